// What is taken out of telemetry before it is stored. The address of a share is its secret; the host
// writes down the address of every call.

param name string
param location string
param tags object
param workspaceId string

// Of AppRequests, all columns in which an address can stand. Name is one when the host knows no route.
var columns = ['Url', 'Name', 'OperationName']

// Of what a transformation may use (Supported KQL features in Azure Monitor transformations), nothing
// replaces: the beginning is kept, up to the secret. Addresses are found in any case, as by the host.
// Should the expression not match, nothing is kept at all.
var hidden = [
  for column in columns: '${column} = iif(${column} contains "/api/s/", strcat(extract("(?i)^(.*?/api/s/)", 1, ${column}), "(secret)"), ${column})'
]

resource transforms 'Microsoft.Insights/dataCollectionRules@2024-03-11' = {
  name: name
  location: location
  tags: tags
  kind: 'WorkspaceTransforms'
  properties: {
    dataSources: {}
    destinations: {
      logAnalytics: [
        {
          name: 'workspace'
          workspaceResourceId: workspaceId
        }
      ]
    }
    dataFlows: [
      {
        streams: ['Microsoft-Table-AppRequests']
        destinations: ['workspace']
        transformKql: 'source | extend ${join(hidden, ', ')}'
      }
      {
        // The host's own lines about a call add nothing to its request. The app writes
        // no addresses.
        streams: ['Microsoft-Table-AppTraces']
        destinations: ['workspace']
        transformKql: 'source | where Message !contains "/api/s/"'
      }
    ]
  }
}

output id string = transforms.id
