// Where everything is written down (Log Analytics, Application Insights) and who is told (actions).

param nameSuffix string
param location string
param tags object

@description('Who gets mail when an alert goes off')
param alertEmails array

@description('Days for which logs are kept; the first 31 are in the price')
param retentionDays int = 31

@description('GB a day after which logging stops until the next day: a bound on what a mistake costs')
param dailyQuotaGB int = 5

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${nameSuffix}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    workspaceCapping: { dailyQuotaGb: dailyQuotaGB }
    features: {
      // Entra tokens only, as everywhere; a reader needs rights on the resource whose logs they read.
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${nameSuffix}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    // The connection string names the component and opens nothing: telemetry needs a token.
    DisableLocalAuth: true
  }
}

resource actions 'Microsoft.Insights/actionGroups@2024-10-01-preview' = {
  name: 'ag-${nameSuffix}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'cliplink'
    emailReceivers: [for (email, i) in alertEmails: {
      name: 'operator-${i}'
      emailAddress: trim(email)
      useCommonAlertSchema: true
    }]
  }
}

output workspaceId string = workspace.id
output insightsName string = insights.name
output insightsConnectionString string = insights.properties.ConnectionString
output actionGroupId string = actions.id
