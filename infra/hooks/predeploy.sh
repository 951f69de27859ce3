#!/bin/sh
# Before new code goes out: brings the database up to date and gives the app's role its rights. For a
# moment the old code meets the new schema.
set -eu
cd "$(dirname "$0")/../.."
. infra/hooks/python.sh

let_in() {
  az postgres flexible-server firewall-rule create --resource-group "$AZURE_RESOURCE_GROUP" \
    --server-name "$DATABASE_SERVER_NAME" --subscription "$AZURE_SUBSCRIPTION_ID" --name deployer \
    --start-ip-address "$1" --end-ip-address "$1" --output none
}

# A server with a public address lets no address outside Azure in: let in this machine, for as long as it
# takes. Then the rule is left with an address that belongs to no machine (RFC 5737): a lock on the server
# would keep it from being deleted. With a private network this machine has to be inside it.
if [ "${PRIVATE_NETWORK:-false}" != true ]; then
  trap 'let_in 192.0.2.1' EXIT
  let_in "${DEPLOYER_ADDRESS:-$(curl --fail --silent --show-error https://api.ipify.org)}"
fi

# The name of an administrator may hold an @ or a #.
user=$("$python" -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe=""))' \
  "$DATABASE_ADMINISTRATOR_NAME")

# A firewall rule, and a new administrator, may take five minutes to work.
"$python" -m infra.prepare_database --patience 420 \
  --url "postgresql://$user@$DATABASE_HOST:5432/$DATABASE_NAME?sslmode=verify-full" \
  --app-role "$APP_IDENTITY_NAME" --app-object-id "$APP_IDENTITY_PRINCIPAL_ID" || {
  if [ "${PRIVATE_NETWORK:-false}" = true ]; then
    echo "The database is in a private network: run azd deploy inside it (docs/deploying.md)." >&2
  else
    echo "Is port 5432 open from here, and is your address that of DEPLOYER_ADDRESS?" >&2
    echo "Then repeat: azd deploy" >&2
  fi
  exit 1
}
