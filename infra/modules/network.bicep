// A virtual network for resources that are not public: one subnet for outgoing connections of the app,
// one for private endpoints, one for the machine that deploys, and the DNS zones of the endpoints.

param name string
param location string
param tags object

@description('Whether there is a vault, which then needs a private endpoint')
param hasVault bool

param addressPrefix string = '10.90.0.0/24'
param appPrefix string = '10.90.0.0/25'
param endpointPrefix string = '10.90.0.128/26'
param runnerPrefix string = '10.90.0.192/27'

var always = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.postgres.database.azure.com'
]
var zones = hasVault ? concat(always, ['privatelink.vaultcore.azure.net']) : always

// No access from outside is needed: the app is called on its public name, not through this network.
resource closed 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'nothing-from-the-internet'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: 'Internet'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          // Flex Consumption shares addresses between instances; Microsoft asks for /27 or larger.
          addressPrefix: appPrefix
          networkSecurityGroup: { id: closed.id }
          delegations: [
            {
              name: 'functions'
              properties: { serviceName: 'Microsoft.App/environments' }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointPrefix
          networkSecurityGroup: { id: closed.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
      {
        // For a machine that runs `azd deploy`: docs/deploying.md.
        name: 'runner'
        properties: {
          addressPrefix: runnerPrefix
          networkSecurityGroup: { id: closed.id }
        }
      }
    ]
  }
}

resource dns 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zones: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource dnsLinks 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, i) in zones: {
    parent: dns[i]
    name: name
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

output appSubnetId string = '${network.id}/subnets/app'
output endpointSubnetId string = '${network.id}/subnets/endpoints'
