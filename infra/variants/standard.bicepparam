// SIZE=standard, with a page in a browser and an address for alerts.
using '../main.bicep'

param environmentName = 'cliplink-test'
param location = 'westeurope'
param authAudience = '00000000-0000-0000-0000-0000000000dd'
param databaseAdministratorId = '00000000-0000-0000-0000-0000000000aa'
param databaseAdministratorName = 'ada@example.com'
param budgetStart = '2026-11-01'

param size = 'standard'
param corsOrigins = 'https://app.example.com'
param alertEmails = 'ada@example.com, bob@example.com'
