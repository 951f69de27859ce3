// Requests that Front Door refuses before they reach the app. It counts the calls of each client
// address. Custom rules are part of the Standard tier; Microsoft's rule sets would need Premium.

param name string
param tags object

@description('Number of calls of the API that one address may send in a minute')
param callsPerMinute int

@description('Number of shares that one address may open in a minute: these calls have no token')
param sharesPerMinute int

// The app accepts paths in upper and lower case, and letters written as %61; so do the rules.
var limits = [
  { name: 'TooManyShares', priority: 90, threshold: sharesPerMinute, path: '/api/s/' }
  { name: 'TooManyCalls', priority: 100, threshold: callsPerMinute, path: '/api/' }
]

resource firewall 'Microsoft.Network/FrontDoorWebApplicationFirewallPolicies@2025-10-01' = {
  name: name
  location: 'global'
  tags: tags
  sku: { name: 'Standard_AzureFrontDoor' }
  properties: {
    policySettings: {
      enabledState: 'Enabled'
      mode: 'Prevention'
      // Whom a rule turns away goes into the log. The address of a share is its secret.
      logScrubbing: {
        state: 'Enabled'
        scrubbingRules: [
          { matchVariable: 'RequestUri', selectorMatchOperator: 'EqualsAny', state: 'Enabled' }
        ]
      }
    }
    customRules: {
      rules: [
        for limit in limits: {
          name: limit.name
          priority: limit.priority
          enabledState: 'Enabled'
          ruleType: 'RateLimitRule'
          rateLimitDurationInMinutes: 1
          rateLimitThreshold: limit.threshold
          action: 'Block'
          matchConditions: [
            {
              matchVariable: 'RequestUri'
              operator: 'Contains'
              negateCondition: false
              matchValue: [limit.path]
              transforms: ['UrlDecode', 'Lowercase']
            }
          ]
        }
      ]
    }
  }
}

output id string = firewall.id
