// Where logs and metrics are stored (Log Analytics, Application Insights), and where alerts go (actions).

param nameSuffix string
param insightsName string
param location string
param tags object

@description('E-mail addresses that receive alerts')
param alertEmails array

@description('Whether an earlier deployment created the transformations')
param transformed bool

@description('Number of days for which logs are kept; the first 31 are included in the price')
param retentionDays int = 31

@description('Size of logs in GB a day after which logging stops until the next day; limits the cost of an error')
param dailyQuotaGB int = 5

var workspaceName = 'log-${nameSuffix}'
var transformsName = 'dcr-${nameSuffix}'

// An existing link is kept: logs arrive between the two deployments of the workspace.
module workspace 'workspace.bicep' = {
  name: 'workspace'
  params: {
    name: workspaceName
    location: location
    tags: tags
    retentionDays: retentionDays
    dailyQuotaGB: dailyQuotaGB
    transformsId: transformed ? resourceId('Microsoft.Insights/dataCollectionRules', transformsName) : ''
  }
}

module transforms 'log-transforms.bicep' = {
  name: 'log-transforms'
  params: {
    name: transformsName
    location: location
    tags: tags
    workspaceId: workspace.outputs.id
  }
}

// The same workspace again, with all its properties: Azure removes what a deployment leaves out.
module linkedWorkspace 'workspace.bicep' = {
  name: 'workspace-linked'
  params: {
    name: workspaceName
    location: location
    tags: tags
    retentionDays: retentionDays
    dailyQuotaGB: dailyQuotaGB
    transformsId: transforms.outputs.id
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    // Made after the link: nothing is stored untransformed.
    WorkspaceResourceId: linkedWorkspace.outputs.id
    // The connection string names the component and opens nothing: telemetry needs a token.
    DisableLocalAuth: true
  }
}

resource actions 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${nameSuffix}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'cliplink'
    emailReceivers: [
      for (email, i) in alertEmails: {
        name: 'operator-${i}'
        emailAddress: trim(email)
        useCommonAlertSchema: true
      }
    ]
  }
}

output workspaceId string = linkedWorkspace.outputs.id
output insightsConnectionString string = insights.properties.ConnectionString
output actionGroupId string = actions.id
