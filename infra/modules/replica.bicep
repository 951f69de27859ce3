// A second account, in another region, into which Azure copies new clips and images. The copies are
// read-only while the policy exists; docs/failing-over.md says how to switch over.

param name string
param location string
param tags object
param containerPrefix string
param clipsStorageName string
param workspaceId string
param auditReads bool
param lock bool

@description('Whether both accounts have the policy already; Azure refuses a second policy for the same pair')
param linked bool

// Temporary blobs are not worth a copy.
var kinds = ['videos', 'clips', 'thumbnails']

resource clipsStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: clipsStorageName
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  // checkov:skip=CKV_AZURE_35: takes over from the clips account, which clients reach from everywhere
  // checkov:skip=CKV_AZURE_59: the same; no blob is public, allowBlobPublicAccess is false
  // checkov:skip=CKV_AZURE_206: it is the copy
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
  properties: {
    accessTier: 'Cool'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Enabled'
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
    encryption: {
      keySource: 'Microsoft.Storage'
      requireInfrastructureEncryption: true
      services: {
        blob: { enabled: true, keyType: 'Account' }
      }
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    // Replication asks for it.
    isVersioningEnabled: true
    deleteRetentionPolicy: {
      enabled: true
      days: 14
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 14
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

// Old versions of the copy expire like those of the original; without a rule they would accumulate.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: json(replace(loadTextContent('../lifecycle/replica.json'), '{prefix}', containerPrefix))
  }
  dependsOn: [blobs]
}

#disable-next-line use-recent-api-versions // the other one, of 2016, knows no categories of today
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: blobs
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

resource deletionLock 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'keep-copy'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'Holds the copy of the clips of users'
  }
}

// The policy must exist at the destination first. Azure makes its ids there; the source uses the same.
module atDestination 'replication-policy.bicep' = if (!linked) {
  name: 'replication-at-destination'
  params: {
    accountName: account.name
    policyId: 'default'
    sourceId: clipsStorage.id
    destinationId: account.id
    rules: [
      for kind in kinds: {
        sourceContainer: '${containerPrefix}-${kind}'
        destinationContainer: '${containerPrefix}-${kind}'
      }
    ]
  }
  dependsOn: [containers]
}

module atSource 'replication-policy.bicep' = if (!linked) {
  name: 'replication-at-source'
  params: {
    accountName: clipsStorage.name
    // Azure makes the id up, so that nothing before the deployment can know it.
    #disable-next-line what-if-short-circuiting
    policyId: atDestination!.outputs.policyId
    sourceId: clipsStorage.id
    destinationId: account.id
    rules: atDestination!.outputs.rules
  }
}
