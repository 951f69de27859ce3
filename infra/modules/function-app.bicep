// The function app and its plan: Flex Consumption, Python 3.13. Settings are in app-settings.bicep.

param name string
param location string
param tags object
param identityId string

@description('The container for deployed packages')
param packageContainerUrl string

@description('The subnet for outgoing connections of the app; empty: none')
param subnetId string

@allowed([2048, 4096])
param instanceMemoryMB int

param maximumInstances int
param alwaysReadyBlob int
param alwaysReadyHttp int

@description('Number of HTTP calls that an instance gets at a time')
param concurrentCalls int

@description('Origins of pages that may call the API')
param corsOrigins array

@description('Whether the app accepts calls only through Front Door')
param behindFrontDoor bool

@description('The id of the Front Door through which calls must come')
param frontDoorId string

var blobInstances = alwaysReadyBlob == 0 ? [] : [{ name: 'blob', instanceCount: alwaysReadyBlob }]
var httpInstances = alwaysReadyHttp == 0 ? [] : [{ name: 'http', instanceCount: alwaysReadyHttp }]

// Front Door brings calls, Event Grid brings blob events. Both carry
// credentials (token, system key); the rule by address also stops all other requests.
var onlyThroughFrontDoor = [
  {
    name: 'front-door'
    priority: 100
    action: 'Allow'
    tag: 'ServiceTag'
    ipAddress: 'AzureFrontDoor.Backend'
    headers: { 'x-azure-fdid': [frontDoorId] }
  }
  {
    name: 'event-grid'
    priority: 110
    action: 'Allow'
    tag: 'ServiceTag'
    ipAddress: 'AzureEventGrid'
  }
]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  // checkov:skip=CKV_AZURE_225: zone redundancy of Flex Consumption is not offered in all regions
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  // checkov:skip=CKV_AZURE_78: Flex Consumption has no FTP and may refuse the property; noFtpPassword shuts it besides
  // checkov:skip=CKV_AZURE_17: clients show tokens, not certificates
  // checkov:skip=CKV_AZURE_212: Flex Consumption scales by itself and has no number of workers to set
  // checkov:skip=CKV_AZURE_213: Flex Consumption replaces broken workers by itself, without a health check
  // checkov:skip=CKV_AZURE_222: the API is for clients everywhere
  name: name
  location: location
  // azd finds the app that it deploys to by this tag.
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.13'
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: concat(blobInstances, httpInstances)
        triggers: {
          http: { perInstanceConcurrency: concurrentCalls }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      cors: { allowedOrigins: corsOrigins }
      ipSecurityRestrictionsDefaultAction: behindFrontDoor ? 'Deny' : 'Allow'
      ipSecurityRestrictions: behindFrontDoor ? onlyThroughFrontDoor : []
      // Deployment has an Entra token of its own and does not come through Front Door.
      scmIpSecurityRestrictionsUseMain: false
    }
  }
}

// Publishing takes Entra tokens, never user name and password.
resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

output host string = app.properties.defaultHostName
