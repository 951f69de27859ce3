// The workspace that stores all logs. monitoring.bicep deploys it twice: its transformations can be
// made only once it is there, and linked only once they are made.

param name string
param location string
param tags object
param retentionDays int
param dailyQuotaGB int

@description('The rule that transforms incoming data; empty: none yet')
param transformsId string = ''

var link = empty(transformsId) ? {} : { defaultDataCollectionRuleResourceId: transformsId }

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: name
  location: location
  tags: tags
  properties: union(link, {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    workspaceCapping: { dailyQuotaGb: dailyQuotaGB }
    features: {
      // Entra tokens only, as everywhere; a reader needs rights on the resource whose logs they read.
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  })
}

output id string = workspace.id
