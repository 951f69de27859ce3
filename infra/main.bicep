// Cliplink on Azure: the table of contents. Each module owns one thing; access.bicep says who may
// do what. What needs the deployed code (the event subscription) is in events.bicep, the second phase.

targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the environment, such as cliplink-prod: goes into the names of all resources')
param environmentName string

@minLength(1)
@description('Region of everything but the replica')
param location string

@description('Begins the names of the four containers')
@maxLength(52)
param containerPrefix string = 'cliplink'

// --- Who may call the API

@minLength(1)
@description('The audience (aud) of the tokens; with Microsoft Entra ID the application id of the API')
param authAudience string

@description('The issuer (iss) of the tokens; empty: Microsoft Entra ID, this tenant')
param authIssuer string = ''

@description('Where the issuer publishes its keys; empty: Microsoft Entra ID, this tenant')
param authJwksUrl string = ''

@description('Origins of pages that may call the API and upload, comma-separated; empty: none')
param corsOrigins string = ''

// --- Functions

@description('Memory of an instance; decoding two clips at once needs 2048')
@allowed([ 2048, 4096 ])
param instanceMemoryMB int = 2048

@description('Most instances of each scale group (HTTP, blobs, migrations); bounds cost and database connections')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 30

@description('Instances that wait for blobs at all times: without one, a first clip waits for a cold start')
@minValue(0)
@maxValue(20)
param alwaysReadyBlob int = 1

@description('Instances that wait for HTTP calls at all times')
@minValue(0)
@maxValue(20)
param alwaysReadyHttp int = 0

@description('When the cleanup runs: NCRONTAB with six fields')
param cleanupSchedule string = '0 */5 * * * *'

// --- Storage

@description('Copies of the clips; the archive tier exists with LRS, GRS and RAGRS only')
@allowed([ 'Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_RAGRS', 'Standard_GZRS', 'Standard_RAGZRS' ])
param storageRedundancy string = 'Standard_LRS'

@description('Region of a second account into which new clips are copied; empty: none')
param replicaLocation string = ''

// --- Database

@description('Object id of who administers the database and runs migrations')
param databaseAdministratorId string

@description('Name of that principal: user principal name, group name or application name')
param databaseAdministratorName string

@allowed([ 'User', 'Group', 'ServicePrincipal' ])
param databaseAdministratorType string = 'User'

@allowed([ 'Burstable', 'GeneralPurpose', 'MemoryOptimized' ])
param databaseTier string = 'Burstable'

@description('Size of the server; must belong to the tier')
param databaseSku string = 'Standard_B2s'

@description('Use PgBouncer, on port 6432; not on the Burstable tier')
param databasePgBouncer bool = false

@description('Keep a standby in another zone; not on the Burstable tier')
param databaseZoneRedundant bool = false

@description('Days for which the database can be restored to any moment')
@minValue(7)
@maxValue(35)
param databaseBackupDays int = 14

@description('Keep backups in the paired region too; can be chosen at creation only')
param databaseGeoBackup bool = false

// --- Secrets

@description('Let the app read the vault: settings that are absent come from it (KEY_VAULT_URL)')
param useVault bool = false

// --- Network

@description('Reach database, vault and host storage through a virtual network only')
param privateNetwork bool = false

@description('Put Azure Front Door, with a firewall, before the API and the links')
param frontDoor bool = false

@description('A name of your own for Front Door, such as clips.example.com; empty: its own name')
param customDomain string = ''

@description('Calls of the API a minute from one client address before Front Door answers 429')
@minValue(10)
param callsPerMinute int = 600

@description('Shares a minute, which open without a token, that one client address may open')
@minValue(10)
param sharesPerMinute int = 120

// --- Watch

@description('Where alerts go, comma-separated; empty: they show in the portal only')
param alertEmails string = ''

@description('What a month may cost, in the currency of the subscription, before mails go out')
@minValue(1)
param budgetAmount int = 100

@description('First day of the month in which the budget was first deployed; Azure wants it unchanged')
param budgetStart string = utcNow('yyyy-MM-01')

@description('Clips beyond which the capacity alert goes off, GB')
@minValue(1)
param capacityAlertGB int = 500

@description('Whether an earlier deployment made the transformations of logs; azd notes that it did')
param logsTransformed bool = false

@description('Log every read of a blob, not only writes and deletes')
param auditReads bool = true

@description('Keep anybody from deleting storage and database by accident')
param lockData bool = false

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var tenantLogin = '${environment().authentication.loginEndpoint}${tenant().tenantId}'
var origins = empty(corsOrigins) ? [] : split(replace(corsOrigins, ' ', ''), ',')
var emails = empty(alertEmails) ? [] : split(replace(alertEmails, ' ', ''), ',')
var databaseName = 'cliplink'
var functionAppName = 'func-cliplink-${token}'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

// --- The service

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-cliplink-${token}'
    location: location
    tags: tags
  }
}

module clipsStorage 'modules/clips-storage.bicep' = {
  name: 'clips-storage'
  scope: group
  params: {
    name: 'clips${token}'
    location: location
    tags: tags
    redundancy: storageRedundancy
    containerPrefix: containerPrefix
    corsOrigins: origins
    lock: lockData
  }
}

module hostStorage 'modules/host-storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    name: 'host${token}'
    location: location
    tags: tags
    publicAccess: !privateNetwork
  }
}

module database 'modules/database.bicep' = {
  name: 'database'
  scope: group
  params: {
    name: 'psql-cliplink-${token}'
    location: location
    tags: tags
    administratorId: databaseAdministratorId
    administratorName: databaseAdministratorName
    administratorType: databaseAdministratorType
    tier: databaseTier
    sku: databaseSku
    pgBouncer: databasePgBouncer
    zoneRedundant: databaseZoneRedundant
    backupDays: databaseBackupDays
    geoBackup: databaseGeoBackup
    publicAccess: !privateNetwork
    lock: lockData
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    publicAccess: !privateNetwork
  }
}

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: functionAppName
    location: location
    tags: tags
    identityId: identity.outputs.id
    packageContainerUrl: hostStorage.outputs.packageContainerUrl
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    alwaysReadyBlob: alwaysReadyBlob
    alwaysReadyHttp: alwaysReadyHttp
    corsOrigins: origins
    frontDoorId: frontDoor ? frontDoorProfile!.outputs.frontDoorId : ''
  }
}

module settings 'modules/app-settings.bicep' = {
  name: 'app-settings'
  scope: group
  params: {
    functionAppName: functionApp.outputs.name
    identityClientId: identity.outputs.clientId
    hostStorageName: hostStorage.outputs.name
    clipsStorageName: clipsStorage.outputs.name
    containerPrefix: containerPrefix
    cdnEndpoint: frontDoor ? 'https://${frontDoorProfile!.outputs.host}' : ''
    databaseUrl: 'postgresql://${identity.outputs.name}@${database.outputs.host}:${database.outputs.port}/${databaseName}'
    vaultUrl: useVault ? vault.outputs.uri : ''
    authIssuer: empty(authIssuer) ? '${tenantLogin}/v2.0' : authIssuer
    authAudience: authAudience
    authJwksUrl: empty(authJwksUrl) ? '${tenantLogin}/discovery/v2.0/keys' : authJwksUrl
    cleanupSchedule: cleanupSchedule
    insightsConnectionString: monitoring.outputs.insightsConnectionString
  }
}

module events 'modules/events-topic.bicep' = {
  name: 'events-topic'
  scope: group
  params: {
    name: 'evgt-cliplink-${token}'
    location: location
    tags: tags
    clipsStorageName: clipsStorage.outputs.name
  }
}

module access 'modules/access.bicep' = {
  name: 'access'
  scope: group
  params: {
    appPrincipalId: identity.outputs.principalId
    eventsPrincipalId: events.outputs.principalId
    clipsStorageName: clipsStorage.outputs.name
    containerPrefix: containerPrefix
    deadLetterContainerName: clipsStorage.outputs.deadLetterContainerName
    hostStorageName: hostStorage.outputs.name
    vaultName: vault.outputs.name
    readsVault: useVault
    insightsName: monitoring.outputs.insightsName
  }
}

// --- Watch

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    nameSuffix: 'cliplink-${token}'
    location: location
    tags: tags
    alertEmails: emails
    transformed: logsTransformed
  }
}

module diagnostics 'modules/diagnostics.bicep' = {
  name: 'diagnostics'
  scope: group
  params: {
    workspaceId: monitoring.outputs.workspaceId
    clipsStorageName: clipsStorage.outputs.name
    hostStorageName: hostStorage.outputs.name
    databaseServerName: database.outputs.name
    vaultName: vault.outputs.name
    functionAppName: functionApp.outputs.name
    eventsTopicName: events.outputs.name
    auditReads: auditReads
  }
}

module metricAlerts 'modules/metric-alerts.bicep' = {
  name: 'metric-alerts'
  scope: group
  params: {
    tags: tags
    actionGroupId: monitoring.outputs.actionGroupId
    clipsStorageName: clipsStorage.outputs.name
    databaseServerName: database.outputs.name
    eventsTopicName: events.outputs.name
    capacityAlertGB: capacityAlertGB
  }
}

module logAlerts 'modules/log-alerts.bicep' = {
  name: 'log-alerts'
  scope: group
  params: {
    location: location
    tags: tags
    actionGroupId: monitoring.outputs.actionGroupId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module budget 'modules/budget.bicep' = {
  name: 'budget'
  scope: group
  params: {
    amount: budgetAmount
    start: budgetStart
    emails: emails
    actionGroupId: monitoring.outputs.actionGroupId
  }
}

// --- Optional parts

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-cliplink-${token}'
    location: location
    tags: tags
  }
}

module endpoints 'modules/private-endpoints.bicep' = if (privateNetwork) {
  name: 'private-endpoints'
  scope: group
  params: {
    location: location
    tags: tags
    networkName: network!.outputs.name
    subnetId: network!.outputs.endpointSubnetId
    clipsStorageName: clipsStorage.outputs.name
    hostStorageName: hostStorage.outputs.name
    databaseServerName: database.outputs.name
    vaultName: vault.outputs.name
  }
}

module firewall 'modules/firewall.bicep' = if (frontDoor) {
  name: 'firewall'
  scope: group
  params: {
    name: 'wafcliplink${token}'
    tags: tags
    callsPerMinute: callsPerMinute
    sharesPerMinute: sharesPerMinute
  }
}

module frontDoorProfile 'modules/front-door.bicep' = if (frontDoor) {
  name: 'front-door'
  scope: group
  params: {
    name: 'cliplink-${token}'
    tags: tags
    firewallId: firewall!.outputs.id
    customDomain: customDomain
    apiHost: '${functionAppName}.azurewebsites.net'
    storageHost: clipsStorage.outputs.blobHost
    containerPrefix: containerPrefix
    workspaceId: monitoring.outputs.workspaceId
  }
}

module replica 'modules/replica.bicep' = if (!empty(replicaLocation)) {
  name: 'replica'
  scope: group
  params: {
    name: 'copy${token}'
    location: replicaLocation
    tags: tags
    containerPrefix: containerPrefix
    clipsStorageName: clipsStorage.outputs.name
    workspaceId: monitoring.outputs.workspaceId
    auditReads: auditReads
    lock: lockData
  }
}

// --- What azd and the hooks go on with

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP_NAME string = functionApp.outputs.name
output API_URL string = frontDoor ? 'https://${frontDoorProfile!.outputs.host}/api' : 'https://${functionApp.outputs.host}/api'
output CLIPS_STORAGE_NAME string = clipsStorage.outputs.name
output EVENTS_TOPIC_NAME string = events.outputs.name
output CONTAINER_PREFIX string = containerPrefix
output DATABASE_HOST string = database.outputs.host
output DATABASE_SERVER_NAME string = database.outputs.name
output DATABASE_NAME string = databaseName
output APP_IDENTITY_NAME string = identity.outputs.name
output APP_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output LOGS_TRANSFORMED bool = true
