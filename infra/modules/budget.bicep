// What a month of this resource group may cost, and who is mailed about it. A budget warns; it stops nothing.

param amount int

@description('First day of the month in which the budget begins; cannot be changed later')
param start string

param emails array
param actionGroupId string

var mails = [for email in emails: trim(email)]

#disable-next-line use-recent-api-versions // the only newer one is of this half-year
resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: 'cliplink-month'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: start }
    notifications: {
      half: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 50
        thresholdType: 'Actual'
        contactEmails: mails
        contactRoles: ['Owner']
        contactGroups: [actionGroupId]
      }
      nearly: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 90
        thresholdType: 'Actual'
        contactEmails: mails
        contactRoles: ['Owner']
        contactGroups: [actionGroupId]
      }
      willBe: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 110
        thresholdType: 'Forecasted'
        contactEmails: mails
        contactRoles: ['Owner']
        contactGroups: [actionGroupId]
      }
    }
  }
}
