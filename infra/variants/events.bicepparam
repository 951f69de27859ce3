// The second phase of a deployment.
using '../events.bicep'

param functionAppName = 'func-cliplink-test'
param clipsStorageName = 'clipstest'
param topicName = 'evgt-cliplink-test'
param containerPrefix = 'cliplink'
param blobsExtensionKey = 'key'
