// The account that holds clips and images. Its endpoint is public, because clients upload and play
// directly; every request needs a signed link or an Entra token, and there is no account key to leak.

param name string
param location string
param tags object
param redundancy string
param containerPrefix string

@description('Origins of pages that upload and read')
param corsOrigins array

param lock bool

@description('Whether clips are replicated to a second account')
param replicated bool

@description('Number of days for which a deleted or overwritten blob can be restored')
param softDeleteDays int = 14

@description('Number of days for which a range of blobs can be restored; less than softDeleteDays')
param restoreDays int = 7

// Zone-redundant accounts have no archive tier. And archived blobs cannot be replicated: neither
// their later changes nor their deletion would reach the copy.
// https://learn.microsoft.com/azure/storage/blobs/object-replication-overview
var hasArchive = !replicated && contains(['Standard_LRS', 'Standard_GRS', 'Standard_RAGRS'], redundancy)
var archiving = loadTextContent('../lifecycle/archive.json')
var growingCold = loadTextContent('../lifecycle/cold.json')
var lifecycleText = hasArchive ? archiving : growingCold
var kinds = ['videos', 'clips', 'thumbnails', 'temp', 'bin']
var deadLetters = 'event-dead-letters'
// Those of the triggers, and those to which the host moves messages that failed five times (shared/blob_names/).
var queueNames = [
  '${containerPrefix}-migrations'
  '${containerPrefix}-migrations-poison'
  '${containerPrefix}-cuts'
  '${containerPrefix}-cuts-poison'
  '${containerPrefix}-renditions'
  '${containerPrefix}-renditions-poison'
  '${containerPrefix}-deletions'
  '${containerPrefix}-deletions-poison'
  '${containerPrefix}-drift'
  '${containerPrefix}-drift-poison'
  'webjobs-blobtrigger-poison'
]

var browserRules = [
  {
    allowedOrigins: corsOrigins
    allowedMethods: ['PUT', 'GET', 'HEAD']
    allowedHeaders: ['content-type', 'range', 'x-ms-*']
    exposedHeaders: ['accept-ranges', 'content-length', 'content-range', 'etag', 'x-ms-*']
    maxAgeInSeconds: 3600
  }
]

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  // checkov:skip=CKV_AZURE_35: clients from everywhere upload and play with signed links
  // checkov:skip=CKV_AZURE_59: the same; no blob is public, allowBlobPublicAccess is false
  // checkov:skip=CKV_AZURE_206: copies in another region cost twice as much: storageRedundancy decides
  name: name
  location: location
  tags: tags
  sku: { name: redundancy }
  kind: 'StorageV2'
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    // Links are signed with user-delegation keys: the account keys are not needed.
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Enabled'
    supportsHttpsTrafficOnly: true
    // The API gives links of at most seven days; a longer one is not from the API. 'Log' and not
    // 'Block': a link is also valid from a moment in the past on, for clocks that are late.
    sasPolicy: {
      expirationAction: 'Log'
      sasExpirationPeriod: '07.00:00:00'
    }
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
    encryption: {
      keySource: 'Microsoft.Storage'
      requireInfrastructureEncryption: true
      services: {
        blob: { enabled: true, keyType: 'Account' }
        queue: { enabled: true, keyType: 'Account' }
      }
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    // Uploads send these headers (docs/api.md); players and scripts read ranges.
    cors: {
      corsRules: empty(corsOrigins) ? [] : browserRules
    }
    isVersioningEnabled: true
    changeFeed: {
      enabled: true
      retentionInDays: softDeleteDays
    }
    deleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
      allowPermanentDelete: false
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    restorePolicy: {
      enabled: true
      days: restoreDays
    }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [
  for kind in kinds: {
    parent: blobs
    name: '${containerPrefix}-${kind}'
    properties: { publicAccess: 'None' }
  }
]

// Events that could not be delivered: the subscription of events.bicep writes them here.
resource deadLetterContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: deadLetters
  properties: { publicAccess: 'None' }
}

// The host makes a queue that is absent; made here, the app needs rights on these alone (access.bicep).
resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [
  for queue in queueNames: {
    parent: queueService
    name: queue
  }
]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: json(replace(lifecycleText, '{prefix}', containerPrefix))
  }
  dependsOn: [blobs]
}

resource deletionLock 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'keep-clips'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'Holds the clips of users'
  }
}

output blobHost string = '${account.name}.blob.${environment().suffixes.storage}'
