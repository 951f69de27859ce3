// Every part and every switch.
using '../main.bicep'

param environmentName = 'cliplink-test'
param location = 'westeurope'
param authAudience = '00000000-0000-0000-0000-0000000000dd'
param databaseAdministratorId = '00000000-0000-0000-0000-0000000000aa'
param databaseAdministratorName = 'ada@example.com'
param budgetStart = '2026-11-01'

param size = 'standard'
param containerPrefix = 'films'
param authIssuer = 'https://issuer.example.com'
param authJwksUrl = 'https://issuer.example.com/keys'
param corsOrigins = 'https://app.example.com,https://admin.example.com'
param instanceMemoryMB = 4096
param maximumInstances = 40
param alwaysReadyBlob = 3
param alwaysReadyHttp = 2
param cleanupSchedule = '0 0 * * * *'
param storageRedundancy = 'Standard_RAGZRS'
param replicaLocation = 'northeurope'
param databaseAdministratorType = 'Group'
param databaseTier = 'GeneralPurpose'
param databaseSku = 'Standard_D2ds_v5'
param databaseStorageGB = 128
param databasePgBouncer = true
param databaseZoneRedundant = true
param databaseBackupDays = 35
param databaseGeoBackup = true
param useVault = true
param privateNetwork = true
param frontDoor = true
param customDomain = 'clips.example.com'
param alertEmails = 'ada@example.com, bob@example.com'
param budgetAmount = 500
param capacityAlertGB = 2000
param lockData = true
