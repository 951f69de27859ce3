// Key Vault, for secrets of the operator (of an issuer, of a player). This template makes no secrets:
// it uses identities instead of keys.

param name string
param location string
param tags object

@description('Whether the vault is reachable from outside the virtual network')
param publicAccess bool

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  // checkov:skip=CKV_AZURE_109: without privateNetwork the app has no fixed address to let in
  // checkov:skip=CKV_AZURE_189: the same; every call needs an Entra token with a role
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: publicAccess ? 'Allow' : 'Deny'
    }
  }
}

output uri string = vault.properties.vaultUri
