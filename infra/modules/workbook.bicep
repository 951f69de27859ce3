// The service's own numbers on one page of the portal; the page itself is workbook.json.

param location string
param tags object
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'cliplink-workbook')
  location: location
  tags: union(tags, { 'hidden-title': 'Cliplink' })
  kind: 'shared'
  properties: {
    displayName: 'Cliplink'
    category: 'workbook'
    version: '1.0'
    sourceId: workspaceId
    serializedData: string(loadJsonContent('../workbook.json'))
  }
}
