// Removes the addresses of shares from telemetry before it is stored. Such an address is a secret, and
// the host logs the address of every call.

param name string
param location string
param tags object
param workspaceId string

// All columns of AppRequests that can contain an address. Name contains one if the host knows no route.
var columns = ['Url', 'Name', 'OperationName']

// Transformations may not use a function that replaces text (Supported KQL features in Azure Monitor
// transformations). So the text up to the secret is kept. Upper and lower case both match, as in the
// host. If the expression does not match, nothing is kept.
var hidden = [
  for column in columns: '${column} = iif(${column} contains "/api/s/", strcat(extract("(?i)^(.*?/api/s/)", 1, ${column}), "(secret)"), ${column})'
]

resource transforms 'Microsoft.Insights/dataCollectionRules@2024-03-11' = {
  name: name
  location: location
  tags: tags
  kind: 'WorkspaceTransforms'
  properties: {
    dataSources: {}
    destinations: {
      logAnalytics: [
        {
          name: 'workspace'
          workspaceResourceId: workspaceId
        }
      ]
    }
    dataFlows: [
      {
        streams: ['Microsoft-Table-AppRequests']
        destinations: ['workspace']
        transformKql: 'source | extend ${join(hidden, ', ')}'
      }
      {
        // The host's own lines about a call add nothing to its request. The app writes
        // no addresses.
        streams: ['Microsoft-Table-AppTraces']
        destinations: ['workspace']
        transformKql: 'source | where Message !contains "/api/s/"'
      }
    ]
  }
}

output id string = transforms.id
