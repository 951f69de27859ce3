// What a first azd up deploys: nothing is chosen.
using '../main.bicep'

param environmentName = 'cliplink-test'
param location = 'westeurope'
param authAudience = '00000000-0000-0000-0000-0000000000dd'
param databaseAdministratorId = '00000000-0000-0000-0000-0000000000aa'
param databaseAdministratorName = 'ada@example.com'
param budgetStart = '2026-11-01'
