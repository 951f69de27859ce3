#!/bin/sh
# Before new code goes out: brings the database up to date and gives the app's role its rights. For a
# moment the old code meets the new schema.
set -eu
cd "$(dirname "$0")/../.."
. infra/hooks/python.sh

server="/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$AZURE_RESOURCE_GROUP/providers"
server="$server/Microsoft.DBforPostgreSQL/flexibleServers/$DATABASE_SERVER_NAME"
api=2026-01-01-preview

let_in() {
  az resource create --id "$server/firewallRules/deployer" --api-version "$api" \
    --subscription "$AZURE_SUBSCRIPTION_ID" --output none \
    --properties "{\"startIpAddress\": \"$1\", \"endIpAddress\": \"$1\"}"
}

# A server with a public address lets nobody in from outside Azure: let in this machine, for as long
# as it takes. Then the rule is left with an address that nobody has (RFC 5737): a lock on the server
# would keep it from being deleted. With a private network this machine has to be in it.
if [ "${PRIVATE_NETWORK:-false}" != true ]; then
  trap 'let_in 192.0.2.1' EXIT
  let_in "${DEPLOYER_ADDRESS:-$(curl --fail --silent --show-error https://api.ipify.org)}"
fi

# The name of an administrator may hold an @ or a #.
user=$("$python" -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe=""))' \
  "$DATABASE_ADMINISTRATOR_NAME")

"$python" -m infra.prepare_database \
  --url "postgresql://$user@$DATABASE_HOST:5432/$DATABASE_NAME?sslmode=verify-full" \
  --app-role "$APP_IDENTITY_NAME" --app-object-id "$APP_IDENTITY_PRINCIPAL_ID"
