// The topic that raises an event for each blob that lands. Its subscription needs a key that exists only once the code
// is deployed: events.bicep.

param name string
param location string
param tags object
param clipsStorageName string

resource clipsStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: clipsStorageName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  // Writes the dead letters.
  identity: { type: 'SystemAssigned' }
  properties: {
    source: clipsStorage.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

output principalId string = topic.identity.principalId
