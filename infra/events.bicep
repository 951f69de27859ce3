// Second phase, after the code is deployed: blob events to the functions that process blobs. The
// postdeploy hook fetches the key and deploys this file into the resource group; repeating it is fine.

param functionAppName string
param clipsStorageName string
param topicName string
param containerPrefix string

@secure()
@description('The system key blobs_extension of the function app; it exists after the code was deployed')
param blobsExtensionKey string

// The functions that process blobs, as function_app.py names them, and the container of each.
var subscriptions = [
  { name: 'clip-landed', function: 'clip_landed', container: 'clips' }
  { name: 'source-landed', function: 'source_landed', container: 'videos' }
]

// The suffix of app names in public Azure; other clouds have their own.
param functionHostSuffix string = 'azurewebsites.net'

resource clipsStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: clipsStorageName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource blobLanded 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [
  for subscription in subscriptions: {
    parent: topic
    name: subscription.name
    properties: {
      eventDeliverySchema: 'EventGridSchema'
      destination: {
        endpointType: 'WebHook'
        properties: {
          #disable-next-line use-secure-value-for-secure-inputs // the key in it is secure, and makes all of it so
          endpointUrl: 'https://${functionAppName}.${functionHostSuffix}/runtime/webhooks/blobs?functionName=Host.Functions.${subscription.function}&code=${blobsExtensionKey}'
          maxEventsPerBatch: 1
          preferredBatchSizeInKilobytes: 64
        }
      }
      filter: {
        includedEventTypes: ['Microsoft.Storage.BlobCreated']
        // The webhook knows no path: what is not filtered here reaches the app. The slash at the end
        // keeps out containers whose names only begin with the same prefix.
        subjectBeginsWith: '/blobServices/default/containers/${containerPrefix}-${subscription.container}/'
        isSubjectCaseSensitive: true
      }
      retryPolicy: {
        maxDeliveryAttempts: 30
        eventTimeToLiveInMinutes: 1440
      }
      deadLetterWithResourceIdentity: {
        identity: { type: 'SystemAssigned' }
        deadLetterDestination: {
          endpointType: 'StorageBlob'
          properties: {
            resourceId: clipsStorage.id
            blobContainerName: 'event-dead-letters'
          }
        }
      }
    }
  }
]
