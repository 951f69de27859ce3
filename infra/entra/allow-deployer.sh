#!/bin/sh
# Lets a deployer assign the roles of the template and no others: sh infra/entra/allow-deployer.sh WHO SUBSCRIPTION
# WHO is a user principal name, an object id or an application id. An Owner runs it.
# A condition: https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview
set -eu
who=$1
subscription=$2

# Those of infra/modules/access.bicep.
roles="b7e6dc6d-f1e8-4753-8033-0f276bb0955b, ba92f5b4-2d11-453d-a403-e96b0029c9fe"
roles="$roles, db58b8e5-c6ad-4a2a-8342-4190687cbf4a, 974c5e8b-45b9-4653-ba55-5f855dd0fb88"
roles="$roles, 0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3, 4633458b-17de-408a-b874-0445c86b69e6"
roles="$roles, 3913510d-42f4-4e42-8a64-420c390055eb"

attribute=Microsoft.Authorization/roleAssignments:RoleDefinitionId
type=Microsoft.Authorization/roleAssignments:PrincipalType
az role assignment create --assignee "$who" --scope "/subscriptions/$subscription" --output none \
  --role "Role Based Access Control Administrator" --condition-version 2.0 --condition "(
  (!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR
  (@Request[$attribute] ForAnyOfAnyValues:GuidEquals {$roles} AND
   @Request[$type] ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'})
) AND (
  (!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR
  (@Resource[$attribute] ForAnyOfAnyValues:GuidEquals {$roles})
)"
echo "ok: $who may assign the roles of the template in $subscription"
