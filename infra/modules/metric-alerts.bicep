// Alerts on Azure's own metrics. Alerts on logs are in log-alerts.bicep.

param tags object
param actionGroupId string
param clipsStorageName string
param databaseServerName string
param eventsTopicName string
param capacityAlertGB int

@description('Whether there are all alerts, or only those whose cause costs money or clips before a user notices')
param all bool

@description('Number of requests to the clips account in five minutes above which the alert fires')
param requestsIn5Minutes int = 60000

@description('Number of refused requests in five minutes above which the alert fires; expired links cause a few')
param refusedIn5Minutes int = 100

resource clipsStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: clipsStorageName
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' existing = {
  name: databaseServerName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: eventsTopicName
}

var alerts = [
  {
    // Azure measures it once an hour, without dimensions.
    name: 'storage-used-capacity'
    description: 'The clips account stores more data than planned. See docs/costs.md.'
    severity: 3
    scope: clipsStorage.id
    namespace: 'Microsoft.Storage/storageAccounts'
    metric: 'UsedCapacity'
    aggregation: 'Average'
    operator: 'GreaterThan'
    threshold: capacityAlertGB * 1000000000
    window: 'PT1H'
    frequency: 'PT1H'
    dimensions: []
  }
  {
    name: 'storage-request-rate'
    description: 'Storage gets many more requests to clips and images than usual. The cause may be a leaked link, a loop in a client, or more users.'
    severity: 3
    scope: '${clipsStorage.id}/blobServices/default'
    namespace: 'Microsoft.Storage/storageAccounts/blobServices'
    metric: 'Transactions'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: requestsIn5Minutes
    window: 'PT5M'
    frequency: 'PT5M'
    dimensions: []
  }
  {
    name: 'storage-errors'
    description: 'Storage fails or throttles requests.'
    severity: 2
    scope: '${clipsStorage.id}/blobServices/default'
    namespace: 'Microsoft.Storage/storageAccounts/blobServices'
    metric: 'Transactions'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 20
    window: 'PT5M'
    frequency: 'PT5M'
    dimensions: [
      {
        name: 'ResponseType'
        operator: 'Include'
        values: [
          'ServerOtherError'
          'ServerBusyError'
          'ServerTimeoutError'
          'ClientAccountBandwidthThrottlingError'
          'ClientAccountRequestThrottlingError'
          'ClientThrottlingError'
        ]
      }
    ]
  }
  {
    name: 'storage-refused'
    description: 'Storage refuses many requests. Links may have expired, or an attacker guesses links. StorageBlobLogs has the CallerIpAddress.'
    severity: 3
    scope: '${clipsStorage.id}/blobServices/default'
    namespace: 'Microsoft.Storage/storageAccounts/blobServices'
    metric: 'Transactions'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: refusedIn5Minutes
    window: 'PT5M'
    frequency: 'PT5M'
    dimensions: [
      {
        name: 'ResponseType'
        operator: 'Include'
        values: ['AuthorizationError', 'AuthenticationError']
      }
    ]
  }
  {
    name: 'storage-availability'
    description: 'Storage does not respond, or fails too often.'
    severity: 1
    scope: '${clipsStorage.id}/blobServices/default'
    namespace: 'Microsoft.Storage/storageAccounts/blobServices'
    metric: 'Availability'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: 99
    window: 'PT5M'
    frequency: 'PT1M'
    dimensions: []
  }
  {
    // Hourly, and of all queues of the account together. Of these the poison queues alone keep
    // messages, but for the hours in which a migration is under way.
    name: 'poison-queue-not-empty'
    description: 'A poison queue has messages that failed five times, unless a migration is running. See docs/running.md.'
    severity: 2
    scope: '${clipsStorage.id}/queueServices/default'
    namespace: 'Microsoft.Storage/storageAccounts/queueServices'
    metric: 'QueueMessageCount'
    aggregation: 'Average'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT1H'
    frequency: 'PT1H'
    dimensions: []
  }
  {
    name: 'events-not-delivered'
    description: 'Event Grid could not deliver events. The next cleanup processes the clips.'
    severity: 2
    scope: topic.id
    namespace: 'Microsoft.EventGrid/systemTopics'
    metric: 'DeadLetteredCount'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT5M'
    dimensions: []
  }
  {
    name: 'database-storage'
    description: 'The disk of the database server is nearly full. It grows automatically. Then set DATABASE_STORAGE_GB to its new size.'
    severity: 1
    scope: database.id
    namespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
    metric: 'storage_percent'
    aggregation: 'Average'
    operator: 'GreaterThan'
    threshold: 85
    window: 'PT15M'
    frequency: 'PT5M'
    dimensions: []
  }
  {
    name: 'database-cpu'
    description: 'The database server is busy. On the Burstable tier it uses up its CPU credits.'
    severity: 3
    scope: database.id
    namespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
    metric: 'cpu_percent'
    aggregation: 'Average'
    operator: 'GreaterThan'
    threshold: 80
    window: 'PT15M'
    frequency: 'PT5M'
    dimensions: []
  }
  {
    name: 'database-connections-failed'
    description: 'Connections to the database fail. There are too many, or an identity has no role.'
    severity: 2
    scope: database.id
    namespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
    metric: 'connections_failed'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 50
    window: 'PT5M'
    frequency: 'PT5M'
    dimensions: []
  }
]

var essential = [
  'storage-used-capacity'
  'storage-request-rate'
  'events-not-delivered'
  'database-storage'
  'database-cpu'
]
var chosen = filter(alerts, alert => all || contains(essential, alert.name))

resource metricAlerts 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for alert in chosen: {
    name: alert.name
    location: 'global'
    tags: tags
    properties: {
      description: alert.description
      severity: alert.severity
      enabled: true
      autoMitigate: true
      scopes: [alert.scope]
      evaluationFrequency: alert.frequency
      windowSize: alert.window
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: alert.name
            metricNamespace: alert.namespace
            metricName: alert.metric
            timeAggregation: alert.aggregation
            operator: alert.operator
            threshold: alert.threshold
            dimensions: alert.dimensions
            // A new account has not measured everything yet.
            skipMetricValidation: true
          }
        ]
      }
      actions: [{ actionGroupId: actionGroupId }]
    }
  }
]
