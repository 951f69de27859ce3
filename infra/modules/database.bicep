// Postgres. Entra only: the server has no passwords at all. The predeploy hook makes the database, so
// that the principal that applies the schema owns it, and the app's role, which has rights on rows, not on tables
// (infra/prepare_database.py).

param name string
param location string
param tags object

param administratorId string
param administratorName string

@allowed(['User', 'Group', 'ServicePrincipal'])
param administratorType string

@allowed(['Burstable', 'GeneralPurpose', 'MemoryOptimized'])
param tier string

param sku string

@description('Whether PgBouncer is used, with which the app may have more connections than the server')
param pgBouncer bool

param zoneRedundant bool
param backupDays int
param geoBackup bool

@description('Whether the server is reachable from outside the virtual network')
param publicAccess bool

param lock bool
param storageGB int

var behindPgBouncer = pgBouncer && tier != 'Burstable'

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    tier: tier
  }
  properties: {
    version: '18'
    createMode: 'Default'
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: tenant().tenantId
    }
    storage: {
      storageSizeGB: storageGB
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: backupDays
      geoRedundantBackup: geoBackup ? 'Enabled' : 'Disabled'
    }
    highAvailability: {
      mode: zoneRedundant ? 'ZoneRedundant' : 'Disabled'
    }
    network: {
      publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    }
    maintenanceWindow: {
      customWindow: 'Enabled'
      dayOfWeek: 0
      startHour: 3
      startMinute: 0
    }
  }
}

// The server takes one change at a time: each of the following waits for the one before it.
resource administrator 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2025-08-01' = {
  parent: server
  name: administratorId
  properties: {
    principalName: administratorName
    principalType: administratorType
    tenantId: tenant().tenantId
  }
}

// The app has no fixed address without a virtual network, so everything inside Azure may
// connect. Without an Entra token of a known role nothing signs in.
resource azureMayConnect 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2025-08-01' = if (publicAccess) {
  parent: server
  name: 'azure-services'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
  dependsOn: [administrator]
}

resource pgBouncerEnabled 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = if (behindPgBouncer) {
  parent: server
  name: 'pgbouncer.enabled'
  properties: {
    value: 'true'
    source: 'user-override'
  }
  dependsOn: [administrator, azureMayConnect]
}

// The app prepares no statements behind PgBouncer. Other clients of the database may: with this
// setting PgBouncer prepares them on the connection that it chooses.
resource pgBouncerPrepared 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = if (behindPgBouncer) {
  parent: server
  name: 'pgbouncer.max_prepared_statements'
  properties: {
    value: '200'
    source: 'user-override'
  }
  dependsOn: [pgBouncerEnabled]
}

resource deletionLock 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'keep-catalogue'
  scope: server
  properties: {
    level: 'CanNotDelete'
    notes: 'Holds the catalogue of all clips'
  }
}

output host string = server.properties.fullyQualifiedDomainName
output port int = behindPgBouncer ? 6432 : 5432
