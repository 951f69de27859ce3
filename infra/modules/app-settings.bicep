// The settings of the app: docs/configuration.md says what each means. None is a secret.

param functionAppName string
param identityClientId string
param hostStorageName string
param clipsStorageName string
param containerPrefix string

@description('The endpoint to which read links point; empty: storage itself')
param cdnEndpoint string

@description('The address that clients use; empty: the address in the request')
param publicUrl string

@description('Which playable copies are made after a clip was processed: remux, never or all')
param renditions string

@description('The encoder of exact cuts and playable copies')
param videoEncoder string

@description('Number of days in the recycle bin; 0: no recycle bin')
param binDays int

@description('URL of the database without a password: the app gets an Entra token for every connection')
param databaseUrl string

@description('The vault from which the app reads settings that are absent here; empty: no vault')
param vaultUrl string

param authIssuer string
param authAudience string
param authJwksUrl string
param cleanupSchedule string

@description('Number of calls that a process runs at a time')
param handlerThreads int
param insightsConnectionString string

var storageSuffix = environment().suffixes.storage

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionAppName
}

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  // The following take this list of names and values for the site's configuration, of another name:
  // checkov:skip=CKV_AZURE_13: no configuration of the site; see function-app.bicep
  // checkov:skip=CKV_AZURE_63: no configuration of the site; logs go to Application Insights
  // checkov:skip=CKV_AZURE_65: no configuration of the site; errors go to Application Insights
  // checkov:skip=CKV_AZURE_66: no configuration of the site; requests go to Application Insights
  // checkov:skip=CKV_AZURE_80: no configuration of the site; and it runs Python
  // checkov:skip=CKV_AZURE_88: no configuration of the site; it keeps no files
  // checkov:skip=CKV_AZURE_222: no configuration of the site; the API is for clients everywhere
  parent: app
  name: 'appsettings'
  properties: {
    // The root of the host would answer everyone with a page of its own.
    AzureWebJobsDisableHomepage: 'true'

    // The host's own storage, by identity.
    AzureWebJobsStorage__accountName: hostStorageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId

    // The app's storage: for its own client, and for the blob trigger of the host.
    AZURE_CLIENT_ID: identityClientId
    AZURE_STORAGE_ACCOUNT_NAME: clipsStorageName
    AZURE_STORAGE_BLOB_ENDPOINT: 'https://${clipsStorageName}.blob.${storageSuffix}'
    AZURE_STORAGE_CONTAINER_NAME: containerPrefix
    AZURE_STORAGE__blobServiceUri: 'https://${clipsStorageName}.blob.${storageSuffix}'
    AZURE_STORAGE__queueServiceUri: 'https://${clipsStorageName}.queue.${storageSuffix}'
    AZURE_STORAGE__credential: 'managedidentity'
    AZURE_STORAGE__clientId: identityClientId
    BLOB_TRIGGER_SOURCE: 'EventGrid'

    DATABASE_URL: '${databaseUrl}?sslmode=verify-full'

    // An empty value counts as absent. With a vault the start takes one request for each setting.
    KEY_VAULT_URL: vaultUrl
    CDN_ENDPOINT: cdnEndpoint
    PUBLIC_URL: publicUrl

    BIN_DAYS: string(binDays)
    RENDITIONS: renditions
    VIDEO_ENCODER: videoEncoder

    AUTH_ISSUER: authIssuer
    AUTH_AUDIENCE: authAudience
    AUTH_JWKS_URL: authJwksUrl

    CLEANUP_SCHEDULE: cleanupSchedule
    // The default of the worker is the number of cores and four.
    PYTHON_THREADPOOL_THREAD_COUNT: string(handlerThreads)
    TEMP_DIR: '/tmp/cliplink'

    // The app makes its own spans, without addresses. Those of the libraries hold addresses, and their
    // imports take a sixth of a second of every start.
    OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'azure_sdk,django,fastapi,flask,httpx,httpx2,psycopg2,requests,urllib,urllib3'

    // Telemetry, by identity: the component takes no instrumentation key alone.
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
  }
}
