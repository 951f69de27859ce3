// The account of the Functions host: code packages, timer status, leases, receipts. Only the host uses
// it; separate from the clips, so that limits, keys and failures of one do not affect the other.

param name string
param location string
param tags object

@description('Whether the account is reachable from outside the virtual network')
param publicAccess bool

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  // checkov:skip=CKV_AZURE_35: without privateNetwork the app has no fixed address to let in
  // checkov:skip=CKV_AZURE_59: the same; no blob is public, allowBlobPublicAccess is false
  // checkov:skip=CKV_AZURE_206: a redeployment brings everything in it back
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: publicAccess ? 'Allow' : 'Deny'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource packages 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: 'app-packages'
  properties: { publicAccess: 'None' }
}

output packageContainerUrl string = '${account.properties.primaryEndpoints.blob}${packages.name}'
