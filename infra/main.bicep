// Cliplink on Azure: the table of contents. Each module makes one thing; access.bicep holds all role
// assignments. What needs the deployed code (the event subscription) is in events.bicep, the second phase.

targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the environment, such as cliplink-prod. The names of all resources contain it')
param environmentName string

// Regions with Flex Consumption and with Postgres; the preflight asks Azure for both again.
@minLength(1)
@description('Region of all resources except the replica')
@allowed([
  'australiaeast'
  'australiasoutheast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'switzerlandnorth'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@metadata({ azd: { type: 'location', default: 'swedencentral' } })
param location string

@description('small: about 20 US dollars a month when idle. standard: a larger database, an always-ready instance, all alerts, a budget')
@allowed(['small', 'standard'])
param size string = 'small'

@description('Prefix of the names of the containers; with at most 45 characters the names of queues are valid too')
@maxLength(45)
param containerPrefix string = 'cliplink'

// --- Who may call the API

@minLength(1)
@description('The audience (aud) of the tokens. With Microsoft Entra ID it is the application (client) id of the API, a GUID, which infra/entra/register-app.sh prints')
param authAudience string

@description('The issuer (iss) of the tokens; empty: Microsoft Entra ID, this tenant')
param authIssuer string = ''

@description('Where the issuer publishes its keys; empty: Microsoft Entra ID, this tenant')
param authJwksUrl string = ''

@description('Origins of pages that may call the API and upload, comma-separated; empty: none')
param corsOrigins string = ''

@description('The address that clients use, if a gateway is in front of the app; empty: the address in the request')
param publicUrl string = ''

@description('Which playable copies are made after a clip was processed: those that need no encoding (remux), none (never), or all')
@allowed(['remux', 'never', 'all'])
param renditions string = 'remux'

@description('The encoder of exact cuts and playable copies; libx264 is under the GPL')
@allowed(['libx264', 'libsvtav1', 'libvpx-vp9'])
param videoEncoder string = 'libx264'

@description('Number of days for which deleted clips and videos can be restored; 0 switches the recycle bin off')
@minValue(0)
@maxValue(3650)
param binDays int = 14

// --- Functions

@description('Memory of an instance; decoding two clips at once needs 2048')
@allowed([2048, 4096])
param instanceMemoryMB int = 2048

@description('Maximum number of instances of each scale group (HTTP, blobs, each queue); bounds cost and database connections. 0: the value of the size. If Azure refuses less than 40, use 40 and a larger database')
@minValue(0)
@maxValue(1000)
param maximumInstances int = 0

@description('Number of always-ready instances for blobs: without one, a first clip waits for a cold start. -1: the value of the size')
@minValue(-1)
@maxValue(20)
param alwaysReadyBlob int = -1

@description('Number of always-ready instances for HTTP calls')
@minValue(0)
@maxValue(20)
param alwaysReadyHttp int = 0

@description('When the cleanup runs: NCRONTAB with six fields')
param cleanupSchedule string = '0 */5 * * * *'

// --- Storage

@description('Redundancy of the clips account; the archive tier exists only with LRS, GRS and RAGRS')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_RAGRS', 'Standard_GZRS', 'Standard_RAGZRS'])
param storageRedundancy string = 'Standard_LRS'

@description('Region of a second account into which new clips are copied; empty: none. With a replica, clips move to the cold tier instead of the archive tier')
@metadata({ azd: { type: 'location' } })
param replicaLocation string = ''

@description('Whether an earlier deployment linked the two accounts; azd stores this value')
param replicaLinked bool = false

// --- Database

@description('Object id of the principal that administers the database and applies the schema')
param databaseAdministratorId string

@description('Name of that principal: user principal name, group name or application name')
param databaseAdministratorName string

@description('Kind of that principal')
@allowed(['User', 'Group', 'ServicePrincipal'])
param databaseAdministratorType string = 'User'

@description('Tier of the server; empty: the value of the size')
@allowed(['', 'Burstable', 'GeneralPurpose', 'MemoryOptimized'])
param databaseTier string = ''

@description('Size of the server; must belong to the tier. Empty: the value of the size')
param databaseSku string = ''

@description('Storage of the server, GB. It grows automatically and never shrinks: set it to the present size, or the next deployment is refused')
@allowed([32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384])
param databaseStorageGB int = 32

@description('Use PgBouncer, on port 6432; not on the Burstable tier')
param databasePgBouncer bool = false

@description('Keep a standby in another zone; not on the Burstable tier')
param databaseZoneRedundant bool = false

@description('Number of days for which the database can be restored to any point in time')
@minValue(7)
@maxValue(35)
param databaseBackupDays int = 14

@description('Keep backups in the paired region too; can be set only when the server is created')
param databaseGeoBackup bool = false

// --- Secrets

@description('Create a key vault; the app reads absent settings from it (KEY_VAULT_URL)')
param useVault bool = false

// --- Network

@description('Make database, vault and host storage reachable only through a virtual network. `azd deploy` must then run inside this network')
param privateNetwork bool = false

@description('Put Azure Front Door, with a firewall, in front of the API and the links')
param frontDoor bool = false

@description('A custom domain for Front Door, such as clips.example.com; empty: the default domain')
param customDomain string = ''

@description('Number of calls of the API that one client address may send in a minute before Front Door answers 429')
@minValue(10)
param callsPerMinute int = 600

@description('Number of shares that one client address may open in a minute; shares need no token')
@minValue(10)
param sharesPerMinute int = 120

// --- Monitoring

@description('E-mail addresses that receive alerts, comma-separated; empty: alerts are shown only in the portal')
param alertEmails string = ''

@description('Monthly budget in the currency of the subscription; Azure sends mails before it is exceeded. 0: no budget, for a subscription of less than two days or an offer without Cost Management. -1: the value of the size')
@minValue(-1)
param budgetAmount int = -1

@description('First day of the month in which the budget was first deployed; Azure refuses a change of it')
param budgetStart string = utcNow('yyyy-MM-01')

@description('Size of all clips in GB above which the capacity alert fires')
@minValue(1)
param capacityAlertGB int = 500

@description('Whether an earlier deployment created the transformations of logs; azd stores this value')
param logsTransformed bool = false

@description('Log every read of a blob, not only writes and deletes')
param auditReads bool = true

@description('Lock storage and database, so that they cannot be deleted by accident')
param lockData bool = false

// The values of a size; each can be set alone.
var sizes = {
  small: {
    databaseTier: 'Burstable'
    databaseSku: 'Standard_B1ms'
    maximumInstances: 2
    alwaysReadyBlob: 0
    allAlerts: false
    budgetAmount: 0
  }
  standard: {
    databaseTier: 'Burstable'
    databaseSku: 'Standard_B2s'
    maximumInstances: 27
    alwaysReadyBlob: 1
    allAlerts: true
    budgetAmount: 100
  }
}
var chosen = sizes[size]
var budget = budgetAmount < 0 ? chosen.budgetAmount : budgetAmount

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var tenantLogin = '${environment().authentication.loginEndpoint}${tenant().tenantId}'
var origins = empty(corsOrigins) ? [] : split(replace(corsOrigins, ' ', ''), ',')
var emails = empty(alertEmails) ? [] : split(replace(alertEmails, ' ', ''), ',')
var databaseName = 'cliplink'

// Calls that Azure gives an instance at a time, and the threads that run them: with fewer threads the
// other calls would wait inside the instance instead of going to another one.
var concurrentCalls = 16

// Names that modules pass on to each other are made here: what is an output of a module is not yet
// known when Azure says what a deployment would change.
var names = {
  identity: 'id-cliplink-${token}'
  clipsStorage: 'clips${token}'
  hostStorage: 'host${token}'
  database: 'psql-cliplink-${token}'
  vault: 'kv-${token}'
  functionApp: 'func-cliplink-${token}'
  eventsTopic: 'evgt-cliplink-${token}'
  insights: 'appi-cliplink-${token}'
  network: 'vnet-cliplink-${token}'
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

// --- The service

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: names.identity
    location: location
    tags: tags
  }
}

module clipsStorage 'modules/clips-storage.bicep' = {
  name: 'clips-storage'
  scope: group
  params: {
    name: names.clipsStorage
    location: location
    tags: tags
    redundancy: storageRedundancy
    replicated: !empty(replicaLocation)
    containerPrefix: containerPrefix
    corsOrigins: origins
    lock: lockData
  }
}

module hostStorage 'modules/host-storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    name: names.hostStorage
    location: location
    tags: tags
    publicAccess: !privateNetwork
  }
}

module database 'modules/database.bicep' = {
  name: 'database'
  scope: group
  params: {
    name: names.database
    location: location
    tags: tags
    administratorId: databaseAdministratorId
    administratorName: databaseAdministratorName
    administratorType: databaseAdministratorType
    tier: empty(databaseTier) ? chosen.databaseTier : databaseTier
    sku: empty(databaseSku) ? chosen.databaseSku : databaseSku
    storageGB: databaseStorageGB
    pgBouncer: databasePgBouncer
    zoneRedundant: databaseZoneRedundant
    backupDays: databaseBackupDays
    geoBackup: databaseGeoBackup
    publicAccess: !privateNetwork
    lock: lockData
  }
}

module vault 'modules/vault.bicep' = if (useVault) {
  name: 'vault'
  scope: group
  params: {
    name: names.vault
    location: location
    tags: tags
    publicAccess: !privateNetwork
  }
}

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: names.functionApp
    location: location
    tags: tags
    identityId: identity.outputs.id
    packageContainerUrl: hostStorage.outputs.packageContainerUrl
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances == 0 ? chosen.maximumInstances : maximumInstances
    alwaysReadyBlob: alwaysReadyBlob < 0 ? chosen.alwaysReadyBlob : alwaysReadyBlob
    alwaysReadyHttp: alwaysReadyHttp
    concurrentCalls: concurrentCalls
    corsOrigins: origins
    behindFrontDoor: frontDoor
    frontDoorId: frontDoor ? frontDoorProfile!.outputs.frontDoorId : ''
  }
}

module settings 'modules/app-settings.bicep' = {
  name: 'app-settings'
  scope: group
  params: {
    functionAppName: names.functionApp
    identityClientId: identity.outputs.clientId
    hostStorageName: names.hostStorage
    clipsStorageName: names.clipsStorage
    containerPrefix: containerPrefix
    publicUrl: publicUrl
    renditions: renditions
    binDays: binDays
    videoEncoder: videoEncoder
    cdnEndpoint: frontDoor ? 'https://${frontDoorProfile!.outputs.host}' : ''
    databaseUrl: 'postgresql://${names.identity}@${database.outputs.host}:${database.outputs.port}/${databaseName}'
    vaultUrl: useVault ? vault!.outputs.uri : ''
    authIssuer: empty(authIssuer) ? '${tenantLogin}/v2.0' : authIssuer
    authAudience: authAudience
    authJwksUrl: empty(authJwksUrl) ? '${tenantLogin}/discovery/v2.0/keys' : authJwksUrl
    cleanupSchedule: cleanupSchedule
    handlerThreads: concurrentCalls
    insightsConnectionString: monitoring.outputs.insightsConnectionString
  }
  dependsOn: [functionApp]
}

module events 'modules/events-topic.bicep' = {
  name: 'events-topic'
  scope: group
  params: {
    name: names.eventsTopic
    location: location
    tags: tags
    clipsStorageName: names.clipsStorage
  }
  dependsOn: [clipsStorage]
}

module access 'modules/access.bicep' = {
  name: 'access'
  scope: group
  params: {
    // An identity that is made anew must get new assignments: its id is part of their names.
    #disable-next-line what-if-short-circuiting
    appPrincipalId: identity.outputs.principalId
    #disable-next-line what-if-short-circuiting // the same
    eventsPrincipalId: events.outputs.principalId
    clipsStorageName: names.clipsStorage
    containerPrefix: containerPrefix
    hostStorageName: names.hostStorage
    vaultName: names.vault
    readsVault: useVault
    insightsName: names.insights
  }
  dependsOn: [clipsStorage, hostStorage, vault, monitoring]
}

// --- Monitoring

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    nameSuffix: 'cliplink-${token}'
    insightsName: names.insights
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
    clipsStorageName: names.clipsStorage
    hostStorageName: names.hostStorage
    databaseServerName: names.database
    vaultName: names.vault
    hasVault: useVault
    functionAppName: names.functionApp
    eventsTopicName: names.eventsTopic
    auditReads: auditReads
  }
  dependsOn: [clipsStorage, hostStorage, database, vault, functionApp, events]
}

module metricAlerts 'modules/metric-alerts.bicep' = {
  name: 'metric-alerts'
  scope: group
  params: {
    tags: tags
    all: chosen.allAlerts
    actionGroupId: monitoring.outputs.actionGroupId
    clipsStorageName: names.clipsStorage
    databaseServerName: names.database
    eventsTopicName: names.eventsTopic
    capacityAlertGB: capacityAlertGB
  }
  dependsOn: [clipsStorage, database, events]
}

module logAlerts 'modules/log-alerts.bicep' = {
  name: 'log-alerts'
  scope: group
  params: {
    location: location
    tags: tags
    all: chosen.allAlerts
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

module monthlyBudget 'modules/budget.bicep' = if (budget > 0) {
  name: 'budget'
  scope: group
  params: {
    amount: budget
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
    name: names.network
    location: location
    tags: tags
    hasVault: useVault
  }
}

module endpoints 'modules/private-endpoints.bicep' = if (privateNetwork) {
  name: 'private-endpoints'
  scope: group
  params: {
    location: location
    tags: tags
    networkName: names.network
    subnetId: network!.outputs.endpointSubnetId
    clipsStorageName: names.clipsStorage
    hostStorageName: names.hostStorage
    databaseServerName: names.database
    vaultName: names.vault
    hasVault: useVault
  }
  dependsOn: [clipsStorage, hostStorage, database, vault]
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
    apiHost: '${names.functionApp}.azurewebsites.net'
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
    clipsStorageName: names.clipsStorage
    workspaceId: monitoring.outputs.workspaceId
    auditReads: auditReads
    lock: lockData
    linked: replicaLinked
  }
  dependsOn: [clipsStorage]
}

// --- Values that azd and the hooks use afterwards

var apiHost = frontDoor ? frontDoorProfile!.outputs.host : functionApp.outputs.host

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP_NAME string = names.functionApp
output API_URL string = 'https://${apiHost}/api'
// azd stores the answer to its question for this one where the hooks do not look.
output AUTH_AUDIENCE string = authAudience
output CLIPS_STORAGE_NAME string = names.clipsStorage
output EVENTS_TOPIC_NAME string = names.eventsTopic
output CONTAINER_PREFIX string = containerPrefix
output DATABASE_HOST string = database.outputs.host
output DATABASE_SERVER_NAME string = names.database
output DATABASE_NAME string = databaseName
output APP_IDENTITY_NAME string = names.identity
output APP_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output LOGS_TRANSFORMED bool = true
output REPLICA_LINKED bool = !empty(replicaLocation)
