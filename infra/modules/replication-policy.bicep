// One half of an object replication: both accounts have the same policy.

param accountName string

@description('"default" at the destination, for which Azure creates the id; this id at the source')
param policyId string

param sourceId string
param destinationId string
param rules array

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

resource policy 'Microsoft.Storage/storageAccounts/objectReplicationPolicies@2025-06-01' = {
  parent: account
  name: policyId
  properties: {
    sourceAccount: sourceId
    destinationAccount: destinationId
    rules: rules
  }
}

output policyId string = policy.properties.policyId
output rules array = policy.properties.rules
