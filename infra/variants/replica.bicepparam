// A second account, in a later deployment; reads are not logged.
using '../main.bicep'

param environmentName = 'cliplink-test'
param location = 'westeurope'
param authAudience = '00000000-0000-0000-0000-0000000000dd'
param databaseAdministratorId = '00000000-0000-0000-0000-0000000000aa'
param databaseAdministratorName = 'ada@example.com'
param budgetStart = '2026-11-01'

param replicaLocation = 'northeurope'
param replicaLinked = true
param logsTransformed = true
param auditReads = false
