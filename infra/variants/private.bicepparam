// PRIVATE_NETWORK=true.
using '../main.bicep'

param environmentName = 'cliplink-test'
param location = 'westeurope'
param authAudience = '00000000-0000-0000-0000-0000000000dd'
param databaseAdministratorId = '00000000-0000-0000-0000-0000000000aa'
param databaseAdministratorName = 'ada@example.com'
param budgetStart = '2026-11-01'

param privateNetwork = true
