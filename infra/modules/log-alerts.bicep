// Alerts on logs: the app's own health. A query counts lines, and a threshold raises the alert.

param location string
param tags object
param actionGroupId string
param workspaceId string

@description('Whether all alerts run at short intervals, or a few every quarter of an hour, which costs a third')
param all bool

var alerts = [
  {
    // A timer that stops makes no error. Its silence has to be noticed.
    name: 'cleanup-missing'
    description: 'No cleanup has succeeded for half an hour. Expired clips stay, and blobs whose event was lost are not processed.'
    severity: 1
    // The app says so twice, as a metric and as a line, of which one may be late. The host's own word
    // does not count: that a function ran says little of how it ended.
    query: 'union (AppMetrics | where Name == "cliplink.cleanup.runs" and Properties.outcome == "done" and Sum > 0), (AppTraces | where Message startswith "Cleanup done:" and toint(Properties.outages) == 0)'
    operator: 'LessThan'
    threshold: 1
    window: 'PT30M'
    frequency: 'PT15M'
    splitBy: []
  }
  {
    name: 'blobs-missing'
    description: 'So many blobs are missing that the cleanup marks no clip as lost. Perhaps a container was emptied, or the prefix is wrong. See docs/running.md.'
    severity: 1
    // Twice, as a metric and as a field of the cleanup's line, of which one may be late.
    query: 'union (AppMetrics | where Name == "cliplink.losses.held" and Sum > 0), (AppTraces | where Message startswith "Cleanup done:" and toint(Properties.unmarked) > 0)'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT15M'
    splitBy: []
  }
  {
    name: 'function-failures'
    description: 'Triggers fail repeatedly: ingest, cuts, renditions, migrations, drift reports or the cleanup. See AppExceptions by OperationId.'
    severity: 2
    // A run that failed, by what the host says of it or the app, counts once.
    query: 'union (AppRequests | where Name in ("clip_landed", "source_landed", "clip_cut", "clip_rendition", "cleanup", "migration_batch", "deletion_batch", "drift_run")), (AppDependencies | where Name in ("ingest", "source", "cut", "rendition", "migration.plan", "migration.batch", "deletion", "drift.step") or Name startswith "cleanup.") | where Success == false | summarize TimeGenerated = max(TimeGenerated) by OperationId'
    operator: 'GreaterThan'
    threshold: 5
    window: 'PT15M'
    frequency: 'PT5M'
    splitBy: []
  }
  {
    name: 'api-errors'
    description: 'The API answers 5xx: 500 is an error in the app, 503 is an outage.'
    severity: 2
    query: 'AppRequests | where toint(ResultCode) >= 500'
    operator: 'GreaterThan'
    threshold: 10
    window: 'PT5M'
    frequency: 'PT5M'
    splitBy: []
  }
  {
    // Of every queue: the host puts what it gives up into another whose name ends so.
    name: 'poison-message'
    description: 'A message failed five times: a clip, a cut, a copy or a part of a migration; the name of the queue shows which. See docs/running.md.'
    severity: 2
    query: 'StorageQueueLogs | where OperationName == "PutMessage" | extend Queue = extract("/([a-z0-9-]+-poison)/messages", 1, Uri) | where isnotempty(Queue)'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT5M'
    // The mail names it.
    splitBy: ['Queue']
  }
  {
    name: 'out-of-memory'
    description: 'A worker was killed (exit code 137), because it used more memory than an instance has.'
    severity: 2
    query: 'AppTraces | where Message has "exited with code 137" or Message has "OutOfMemory"'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT5M'
    splitBy: []
  }
]

var essential = ['cleanup-missing', 'blobs-missing', 'function-failures', 'poison-message']
var chosen = filter(alerts, alert => all || contains(essential, alert.name))

resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for alert in chosen: {
    name: alert.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.name
      description: alert.description
      severity: alert.severity
      enabled: true
      autoMitigate: true
      scopes: [workspaceId]
      evaluationFrequency: all ? alert.frequency : 'PT15M'
      windowSize: alert.window
      // The tables of an empty workspace exist once something was written to them.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: alert.operator
            threshold: alert.threshold
            dimensions: [
              for column in alert.splitBy: {
                name: column
                operator: 'Include'
                values: ['*']
              }
            ]
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: { actionGroups: [actionGroupId] }
    }
  }
]
