// The doors from the virtual network to storage, database and vault.

param location string
param tags object

@description('The network whose private DNS zones network.bicep made; makes this wait for them')
param networkName string

param subnetId string
param clipsStorageName string
param hostStorageName string
param databaseServerName string
param vaultName string

var storageId = resourceId('Microsoft.Storage/storageAccounts', clipsStorageName)
var hostId = resourceId('Microsoft.Storage/storageAccounts', hostStorageName)
var databaseId = resourceId('Microsoft.DBforPostgreSQL/flexibleServers', databaseServerName)
var vaultId = resourceId('Microsoft.KeyVault/vaults', vaultName)
var suffix = environment().suffixes.storage

var endpoints = [
  { name: 'clips-blob', target: storageId, service: 'blob', zone: 'privatelink.blob.${suffix}' }
  { name: 'clips-queue', target: storageId, service: 'queue', zone: 'privatelink.queue.${suffix}' }
  { name: 'host-blob', target: hostId, service: 'blob', zone: 'privatelink.blob.${suffix}' }
  { name: 'host-queue', target: hostId, service: 'queue', zone: 'privatelink.queue.${suffix}' }
  { name: 'host-table', target: hostId, service: 'table', zone: 'privatelink.table.${suffix}' }
  { name: 'database', target: databaseId, service: 'postgresqlServer', zone: 'privatelink.postgres.database.azure.com' }
  { name: 'vault', target: vaultId, service: 'vault', zone: 'privatelink.vaultcore.azure.net' }
]

resource doors 'Microsoft.Network/privateEndpoints@2024-05-01' = [
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

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (endpoint, i) in endpoints: {
    parent: doors[i]
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
