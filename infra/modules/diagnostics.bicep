// Audit logs and metrics into the workspace: who read, wrote and deleted which blob, requests to the
// vault, logs of the database and the app. Resource logs of storage are off by default.

param workspaceId string
param clipsStorageName string
param hostStorageName string
param databaseServerName string
param vaultName string
param hasVault bool
param functionAppName string
param eventsTopicName string

@description('Whether reads are logged. Most lines are reads: without them logs cost less, but do not show who read which clip')
param auditReads bool

resource clipsStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: clipsStorageName
}

resource clipsBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: clipsStorage
  name: 'default'
}

resource clipsQueues 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: clipsStorage
  name: 'default'
}

resource hostStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostStorageName
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: hostStorage
  name: 'default'
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' existing = {
  name: databaseServerName
}

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName
}

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionAppName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: eventsTopicName
}

#disable-next-line use-recent-api-versions // the other one, of 2016, knows no categories of today
resource clipsBlobsAudit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: clipsBlobs
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageRead', enabled: auditReads }
      { category: 'StorageWrite', enabled: true }
      { category: 'StorageDelete', enabled: true }
    ]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

// A message that is put into the poison queue is a write; the alert looks for it.
#disable-next-line use-recent-api-versions // the other one, of 2016, knows no categories of today
resource clipsQueuesAudit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: clipsQueues
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageWrite', enabled: true }
      { category: 'StorageDelete', enabled: true }
    ]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

// This account holds the deployed code: the log shows who changed it.
#disable-next-line use-recent-api-versions // the other one, of 2016, knows no categories of today
resource hostBlobsAudit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: hostBlobs
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageWrite', enabled: true }
      { category: 'StorageDelete', enabled: true }
    ]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

#disable-next-line use-recent-api-versions // the other one, of 2016, knows no categories of today
resource databaseLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: database
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'PostgreSQLLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

#disable-next-line use-recent-api-versions // the other one, of 2016, knows no categories of today
resource vaultAudit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (hasVault) {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'AuditEvent', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

#disable-next-line use-recent-api-versions // the other one, of 2016, knows no categories of today
resource appMetrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'metrics'
  scope: app
  properties: {
    workspaceId: workspaceId
    // What the functions say goes to Application Insights: here it would be stored twice, and go round
    // the transformations that keep the secrets of shares out.
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

#disable-next-line use-recent-api-versions // the other one, of 2016, knows no categories of today
resource topicFailures 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'failures'
  scope: topic
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'DeliveryFailures', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}
