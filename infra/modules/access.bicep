// Every role assignment of the system, with the calls that need it. No identity has a right on the
// resource group, and none has an account key.

param appPrincipalId string
param eventsPrincipalId string
param clipsStorageName string
param containerPrefix string
param hostStorageName string
param vaultName string
param readsVault bool
param insightsName string

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
var role = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  blobDelegator: 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
}
var definitions = 'Microsoft.Authorization/roleDefinitions'
var kindsWithTrigger = ['clips', 'videos']
var kindsBesides = ['thumbnails', 'temp', 'bin']
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

resource clipsStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: clipsStorageName
}

resource clipsBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: clipsStorage
  name: 'default'
}

resource films 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = [
  for kind in kindsWithTrigger: {
    parent: clipsBlobs
    name: '${containerPrefix}-${kind}'
  }
]

resource besides 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = [
  for kind in kindsBesides: {
    parent: clipsBlobs
    name: '${containerPrefix}-${kind}'
  }
]

resource deadLetters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: clipsBlobs
  name: 'event-dead-letters'
}

resource clipsQueues 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: clipsStorage
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = [
  for queue in queueNames: {
    parent: clipsQueues
    name: queue
  }
]

resource hostStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostStorageName
}

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// --- The app, on clips and images

// The blob triggers' bindings (AZURE_STORAGE__blobServiceUri) need this role on their containers. It
// also covers what the app does there: properties, ranged reads, metadata, leases, tiers, deletion,
// lists (shared/storage/sdk/blobs.py).
resource appOwnsFilms 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (kind, i) in kindsWithTrigger: {
    name: guid(films[i].id, appPrincipalId, role.blobDataOwner)
    scope: films[i]
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(definitions, role.blobDataOwner)
    }
  }
]

// Images are written, read, listed and deleted; temporary storyboards written and deleted; what is
// deleted is copied into the bin and back
// (shared/storage/sdk/blobs.py).
resource appWritesImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (kind, i) in kindsBesides: {
    name: guid(besides[i].id, appPrincipalId, role.blobDataContributor)
    scope: besides[i]
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(definitions, role.blobDataContributor)
    }
  }
]

// get_user_delegation_key, which signs links (shared/storage/sdk/account.py): a call on the account. What
// a link allows is limited by the roles above.
resource appSignsLinks 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(clipsStorage.id, appPrincipalId, role.blobDelegator)
  scope: clipsStorage
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, role.blobDelegator)
  }
}

// Queues (AZURE_STORAGE__queueServiceUri). The queue triggers receive from the work queues, to which the
// app sends (shared/storage/sdk/queue.py); the host moves messages that failed five times into the poison queues.
resource appUsesQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (queue, i) in queueNames: {
    name: guid(queues[i].id, appPrincipalId, role.queueDataContributor)
    scope: queues[i]
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(definitions, role.queueDataContributor)
    }
  }
]

// --- The app, on the host's storage (AzureWebJobsStorage__accountName)

// Packages are read, timer status and receipts written, leases held, keys kept; the host makes its
// own containers.
resource hostKeepsStatus 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, appPrincipalId, role.blobDataOwner)
  scope: hostStorage
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, role.blobDataOwner)
  }
}

// The webhook puts blob events into a queue of the host, which hands them to the function.
resource hostQueuesEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, appPrincipalId, role.queueDataContributor)
  scope: hostStorage
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, role.queueDataContributor)
  }
}

// The host records errors of its own start in a table, which "Diagnose and solve problems" shows.
resource hostNotesErrors 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, appPrincipalId, role.tableDataContributor)
  scope: hostStorage
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, role.tableDataContributor)
  }
}

// --- The app, on the rest

// KEY_VAULT_URL (shared/settings/key_vault.py): secrets are read, never listed or written. On the vault and not on
// single secrets, where the vault answers 403 instead of 404 for an absent one.
resource appReadsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (readsVault) {
  name: guid(vault.id, appPrincipalId, role.secretsUser)
  scope: vault
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, role.secretsUser)
  }
}

// Telemetry (APPLICATIONINSIGHTS_AUTHENTICATION_STRING): the component refuses data without a token.
resource appSendsTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, appPrincipalId, role.metricsPublisher)
  scope: insights
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, role.metricsPublisher)
  }
}

// --- Event Grid

// Events that could not be delivered are written as blobs (deadLetterWithResourceIdentity).
resource eventsWriteDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(deadLetters.id, eventsPrincipalId, role.blobDataContributor)
  scope: deadLetters
  properties: {
    principalId: eventsPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, role.blobDataContributor)
  }
}
