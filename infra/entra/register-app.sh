#!/bin/sh
# Registers the API with Microsoft Entra ID, once, and prints what to set: sh infra/entra/register-app.sh [NAME]
# Needs the Azure CLI, signed in, and the right to register applications. An administrator may run it for
# another person and pass on the last line. It can be repeated: what exists stays.
set -eu
name=${1:-cliplink}

# The Azure CLI, which gets a token for the smoke script:
# https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
azure_cli=04b07795-8ddb-461a-bbee-02f9e1bf7b46

new_id() { uuidgen 2>/dev/null || cat /proc/sys/kernel/random/uuid; }

app=$(az ad app list --filter "displayName eq '$name'" --query '[0].appId' --output tsv)
if [ -z "$app" ]; then
  app=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv) || {
    echo "You may not register applications. Ask an administrator of the tenant to run:" >&2
    echo "  sh infra/entra/register-app.sh $name" >&2
    exit 1
  }
fi
az ad sp show --id "$app" --output none 2>/dev/null || az ad sp create --id "$app" --output none

object=$(az ad app show --id "$app" --query id --output tsv)
scope=$(az ad app show --id "$app" --query "api.oauth2PermissionScopes[?value=='use'].id" --output tsv)
if [ -z "$scope" ]; then
  scope=$(new_id)
  # Tokens of version 2 name the API by its application id.
  az rest --method PATCH --url "https://graph.microsoft.com/v1.0/applications/$object" --body "{
    \"identifierUris\": [\"api://$app\"],
    \"appRoles\": [{\"id\": \"$(new_id)\", \"value\": \"admin\", \"displayName\": \"Administrator\",
      \"description\": \"May migrate clips\", \"allowedMemberTypes\": [\"User\", \"Application\"], \"isEnabled\": true}],
    \"api\": {\"requestedAccessTokenVersion\": 2, \"oauth2PermissionScopes\": [{\"id\": \"$scope\",
      \"value\": \"use\", \"type\": \"User\", \"isEnabled\": true, \"adminConsentDisplayName\": \"Use Cliplink\",
      \"adminConsentDescription\": \"Use Cliplink as the signed-in user\"}]}}"
fi
# Only a scope that exists can be allowed to a client: so by a second call.
az rest --method PATCH --url "https://graph.microsoft.com/v1.0/applications/$object" --body "{
  \"api\": {\"preAuthorizedApplications\": [{\"appId\": \"$azure_cli\",
    \"delegatedPermissionIds\": [\"$scope\"]}]}}"

echo "azd env set AUTH_AUDIENCE $app"
