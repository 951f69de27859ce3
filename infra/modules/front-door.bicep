// Azure Front Door in front of the API and the links: one name, a certificate, and a cache for what
// links open. The key of an object is its whole link, signature included; its Cache-Control says how
// long it is kept (docs/configuration.md, A CDN). firewall.bicep has the rules that refuse requests.

param name string
param tags object

@description('A custom domain, such as clips.example.com; empty: none')
param customDomain string

param apiHost string
param storageHost string
param containerPrefix string
param workspaceId string

@description('The id of the firewall policy: firewall.bicep')
param firewallId string

// Azure checks the names of resources even if their condition is false: a domain's must not be empty.
var domainName = empty(customDomain) ? 'unused.example.com' : customDomain
var domains = empty(customDomain) ? [] : [{ id: domain.id }]
var protectedDomains = concat(domains, [{ id: endpoint.id }])

resource profile 'Microsoft.Cdn/profiles@2025-06-01' = {
  name: 'afd-${name}'
  location: 'global'
  tags: tags
  sku: { name: 'Standard_AzureFrontDoor' }
  properties: {
    originResponseTimeoutSeconds: 240
    // Addresses open what they lead to, those of shares and signed links alike: no log of this profile
    // has them, if one is turned on.
    logScrubbing: {
      state: 'Enabled'
      scrubbingRules: [
        { matchVariable: 'RequestUri', selectorMatchOperator: 'EqualsAny', state: 'Enabled' }
      ]
    }
  }
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2025-06-01' = {
  parent: profile
  name: name
  location: 'global'
  tags: tags
  properties: { enabledState: 'Enabled' }
}

resource domain 'Microsoft.Cdn/profiles/customDomains@2025-06-01' = if (!empty(customDomain)) {
  parent: profile
  name: replace(domainName, '.', '-')
  properties: {
    hostName: domainName
    tlsSettings: {
      certificateType: 'ManagedCertificate'
      minimumTlsVersion: 'TLS12'
    }
  }
}

// Both groups have no probes: with a single origin there is nothing to choose, and the probes of every
// edge would keep an instance and the database busy. https://learn.microsoft.com/azure/frontdoor/health-probes
resource apiOrigins 'Microsoft.Cdn/profiles/originGroups@2025-06-01' = {
  parent: profile
  name: 'api'
  properties: {
    loadBalancingSettings: {
      sampleSize: 4
      successfulSamplesRequired: 3
    }
  }
}

resource apiOrigin 'Microsoft.Cdn/profiles/originGroups/origins@2025-06-01' = {
  parent: apiOrigins
  name: 'function-app'
  properties: {
    hostName: apiHost
    originHostHeader: apiHost
    httpsPort: 443
    enabledState: 'Enabled'
    enforceCertificateNameCheck: true
  }
}

resource storageOrigins 'Microsoft.Cdn/profiles/originGroups@2025-06-01' = {
  parent: profile
  name: 'clips'
  properties: {
    loadBalancingSettings: {
      sampleSize: 4
      successfulSamplesRequired: 3
    }
  }
}

resource storageOrigin 'Microsoft.Cdn/profiles/originGroups/origins@2025-06-01' = {
  parent: storageOrigins
  name: 'storage'
  properties: {
    hostName: storageHost
    originHostHeader: storageHost
    httpsPort: 443
    enabledState: 'Enabled'
    enforceCertificateNameCheck: true
  }
}

resource apiRoute 'Microsoft.Cdn/profiles/afdEndpoints/routes@2025-06-01' = {
  parent: endpoint
  name: 'api'
  properties: {
    originGroup: { id: apiOrigins.id }
    customDomains: domains
    patternsToMatch: ['/api/*']
    supportedProtocols: ['Http', 'Https']
    httpsRedirect: 'Enabled'
    forwardingProtocol: 'HttpsOnly'
    linkToDefaultDomain: 'Enabled'
    enabledState: 'Enabled'
  }
  dependsOn: [apiOrigin]
}

// Read links: only the containers that links lead to.
resource storageRoute 'Microsoft.Cdn/profiles/afdEndpoints/routes@2025-06-01' = {
  parent: endpoint
  name: 'clips'
  properties: {
    originGroup: { id: storageOrigins.id }
    customDomains: domains
    patternsToMatch: [
      '/${containerPrefix}-clips/*'
      '/${containerPrefix}-thumbnails/*'
      '/${containerPrefix}-temp/*'
    ]
    supportedProtocols: ['Https']
    httpsRedirect: 'Disabled'
    forwardingProtocol: 'HttpsOnly'
    linkToDefaultDomain: 'Enabled'
    enabledState: 'Enabled'
    cacheConfiguration: {
      // Anything less would serve a clip to anyone who knows its address.
      queryStringCachingBehavior: 'UseQueryString'
      compressionSettings: { isCompressionEnabled: false }
    }
  }
  dependsOn: [storageOrigin]
}

resource protection 'Microsoft.Cdn/profiles/securityPolicies@2025-06-01' = {
  parent: profile
  name: 'firewall'
  properties: {
    parameters: {
      type: 'WebApplicationFirewall'
      wafPolicy: { id: firewallId }
      associations: [
        {
          domains: protectedDomains
          patternsToMatch: ['/*']
        }
      ]
    }
  }
}

#disable-next-line use-recent-api-versions // the other one, of 2016, knows no categories of today
resource log 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: profile
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'FrontDoorWebApplicationFirewallLog', enabled: true }
    ]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output frontDoorId string = profile.properties.frontDoorId
output host string = empty(customDomain) ? endpoint.properties.hostName : customDomain
