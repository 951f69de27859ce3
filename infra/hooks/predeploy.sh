#!/bin/sh
# Before new code is deployed: applies the schema and gives the app's role its rights. For a moment the
# old code runs with the new schema.
set -eu
cd "$(dirname "$0")/../.."
. infra/hooks/python.sh

admit() {
  az postgres flexible-server firewall-rule create --resource-group "$AZURE_RESOURCE_GROUP" \
    --server-name "$DATABASE_SERVER_NAME" --subscription "$AZURE_SUBSCRIPTION_ID" --name deployer \
    --start-ip-address "$1" --end-ip-address "$1" --output none
}

# The firewall of a public server admits no address outside Azure: admit this machine while the script
# runs. Afterwards the rule gets an address that no machine has (RFC 5737), because a lock on the server
# would prevent its deletion. With a private network this machine has to be inside it.
if [ "${PRIVATE_NETWORK:-false}" != true ]; then
  trap 'admit 192.0.2.1' EXIT
  admit "${DEPLOYER_ADDRESS:-$(curl --fail --silent --show-error https://api.ipify.org)}"
fi

# The name of an administrator may contain @ or #.
user=$("$python" -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe=""))' \
  "$DATABASE_ADMINISTRATOR_NAME")

# A firewall rule, or a new administrator, may take five minutes to become active.
"$python" -m infra.prepare_database --timeout 420 \
  --url "postgresql://$user@$DATABASE_HOST:5432/$DATABASE_NAME?sslmode=verify-full" \
  --app-role "$APP_IDENTITY_NAME" --app-object-id "$APP_IDENTITY_PRINCIPAL_ID" || {
  if [ "${PRIVATE_NETWORK:-false}" = true ]; then
    echo "The database is in a private network: run azd deploy inside it (docs/deploying.md)." >&2
  else
    echo "Check that port 5432 is open from here, and that DEPLOYER_ADDRESS is your address." >&2
    echo "Then repeat: azd deploy" >&2
  fi
  exit 1
}
