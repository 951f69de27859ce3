// The private endpoints of storage, database and vault in the virtual network.

param location string
param tags object

@description('The name of the network for which network.bicep creates private DNS zones')
param networkName string

param subnetId string
param clipsStorageName string
param hostStorageName string
param databaseServerName string
param vaultName string
param hasVault bool

var storageId = resourceId('Microsoft.Storage/storageAccounts', clipsStorageName)
var hostId = resourceId('Microsoft.Storage/storageAccounts', hostStorageName)
var databaseId = resourceId('Microsoft.DBforPostgreSQL/flexibleServers', databaseServerName)
var suffix = environment().suffixes.storage

var always = [
  { name: 'clips-blob', target: storageId, service: 'blob', zone: 'privatelink.blob.${suffix}' }
  { name: 'clips-queue', target: storageId, service: 'queue', zone: 'privatelink.queue.${suffix}' }
  { name: 'host-blob', target: hostId, service: 'blob', zone: 'privatelink.blob.${suffix}' }
  { name: 'host-queue', target: hostId, service: 'queue', zone: 'privatelink.queue.${suffix}' }
  { name: 'host-table', target: hostId, service: 'table', zone: 'privatelink.table.${suffix}' }
  { name: 'database', target: databaseId, service: 'postgresqlServer', zone: 'privatelink.postgres.database.azure.com' }
]
var vault = {
  name: 'vault'
  target: resourceId('Microsoft.KeyVault/vaults', vaultName)
  service: 'vault'
  zone: 'privatelink.vaultcore.azure.net'
}
var endpoints = hasVault ? concat(always, [vault]) : always

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for endpoint in endpoints: {
    name: 'pe-${networkName}-${endpoint.name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: subnetId }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: {
            privateLinkServiceId: endpoint.target
            groupIds: [endpoint.service]
          }
        }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (endpoint, i) in endpoints: {
    parent: privateEndpoints[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: endpoint.service
          properties: { privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', endpoint.zone) }
        }
      ]
    }
  }
]
