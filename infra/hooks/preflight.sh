#!/bin/sh
# Checks everything that would make a deployment fail after minutes, before anything is created or paid.
# Prints every problem with the command that solves it, and exits with 1 if there is one. A check that is
# not possible is a warning. `azd env set PREFLIGHT false` skips this script.
set -eu

problems=0

problem() { # what is wrong, what to do
  problems=$((problems + 1))
  printf '\nproblem: %s\n  do: %s\n' "$1" "$2" >&2
}

warn() {
  printf '\nwarning: %s\n' "$1" >&2
}

finish() {
  if [ "$problems" -gt 0 ]; then
    printf '\n%s problem(s); nothing was created. Then repeat: azd up\n' "$problems" >&2
    exit 1
  fi
  echo "ok: preflight"
}

newer() { # whether the version $1 is at least $2
  awk -v have="$1" -v want="$2" 'BEGIN {
    split(have, h, "."); split(want, w, ".")
    for (i = 1; i <= 3; i++) if (h[i] + 0 != w[i] + 0) exit !(h[i] + 0 > w[i] + 0)
  }'
}

# --- Programs

command -v curl >/dev/null || problem "curl is missing" "install curl, or open the project's devcontainer"
command -v azd >/dev/null || problem "azd is missing" \
  "https://learn.microsoft.com/azure/developer/azure-developer-cli/install-azd"
if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null &&
  ! python3.13 -c '' 2>/dev/null; then
  problem "python3.13 is missing, which prepares the database" \
    "install Python 3.13 so that python3.13 works, or open the project's devcontainer"
fi
if ! command -v az >/dev/null; then
  problem "the Azure CLI (az) is missing" "https://learn.microsoft.com/cli/azure/install-azure-cli"
  finish
fi
version=$(az version --query '"azure-cli"' --output tsv)
newer "$version" 2.86.0 || problem "the Azure CLI is $version, which is too old" "az upgrade"

# --- Sign-ins and subscription

: "${AZURE_SUBSCRIPTION_ID:=}" "${AZURE_LOCATION:=}"
[ -n "$AZURE_SUBSCRIPTION_ID" ] || problem "no subscription is chosen" \
  'azd env set AZURE_SUBSCRIPTION_ID "$(az account show --query id --output tsv)"'
[ -n "$AZURE_LOCATION" ] || problem "no region is chosen" "azd env set AZURE_LOCATION swedencentral"
if ! azd auth login --check-status >/dev/null 2>&1; then
  problem "azd is not signed in" "azd auth login"
fi
if ! tenant=$(az account show --query tenantId --output tsv 2>/dev/null); then
  problem "az is not signed in" "az login"
  finish
fi
[ -n "$AZURE_SUBSCRIPTION_ID" ] && [ -n "$AZURE_LOCATION" ] || finish
if ! tenant=$(az account show --subscription "$AZURE_SUBSCRIPTION_ID" --query tenantId --output tsv \
  2>/dev/null); then
  problem "az has no access to the subscription $AZURE_SUBSCRIPTION_ID, to which azd deploys" \
    "az login --tenant ${AZURE_TENANT_ID:-TENANT}, as the account that azd has"
  finish
fi
if [ -n "${AZURE_TENANT_ID:-}" ] && [ "$AZURE_TENANT_ID" != "$tenant" ]; then
  problem "az is signed in to tenant $tenant, azd to $AZURE_TENANT_ID" "az login --tenant $AZURE_TENANT_ID"
fi

# --- The issuer and audience of tokens

audience=${AUTH_AUDIENCE:-$(azd env config get infra.parameters.authAudience 2>/dev/null | tr -d '" \n' || true)}
if [ -z "$audience" ]; then
  problem "no audience is set: it names the API whose tokens are accepted" \
    "sh infra/entra/register-app.sh, and then the command that it prints"
elif [ -z "${AUTH_ISSUER:-}" ] &&
  ! printf '%s' "$audience" | grep -Eqi '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'; then
  problem "Entra issues no token for the audience $audience: in its tokens the audience is an application id, a GUID" \
    "sh infra/entra/register-app.sh, and then the command that it prints"
fi

# --- Rights

user=$(az account show --subscription "$AZURE_SUBSCRIPTION_ID" --query user.name --output tsv)
if roles=$(az role assignment list --assignee "$user" --scope "/subscriptions/$AZURE_SUBSCRIPTION_ID" \
  --include-inherited --include-groups --query '[].roleDefinitionName' --output tsv 2>/dev/null); then
  has() { printf '%s\n' "$roles" | grep -qx "$1"; }
  if ! has Owner && ! { has Contributor &&
    { has "Role Based Access Control Administrator" || has "User Access Administrator"; }; }; then
    problem "$user may not create resources and assign roles in the subscription" \
      "an Owner runs: az role assignment create --assignee $user --role Contributor --scope /subscriptions/$AZURE_SUBSCRIPTION_ID; sh infra/entra/allow-deployer.sh $user $AZURE_SUBSCRIPTION_ID"
  fi
else
  warn "could not look up the roles of $user; deploying needs Contributor and the right to assign roles"
fi

# --- Resource providers

wanted="Microsoft.Authorization Microsoft.EventGrid Microsoft.Insights Microsoft.ManagedIdentity"
wanted="$wanted Microsoft.OperationalInsights Microsoft.DBforPostgreSQL Microsoft.Storage Microsoft.Web"
# A delegation of a subnet does not register the first one, and the app then fails without a reason.
[ "${PRIVATE_NETWORK:-false}" != true ] || wanted="$wanted Microsoft.App Microsoft.Network"
[ "${FRONT_DOOR:-false}" != true ] || wanted="$wanted Microsoft.Cdn Microsoft.Network"
[ "${USE_VAULT:-false}" != true ] || wanted="$wanted Microsoft.KeyVault"
[ "${SIZE:-small}${BUDGET_AMOUNT:-}" = small ] || wanted="$wanted Microsoft.Consumption"
registered=$(az provider list --subscription "$AZURE_SUBSCRIPTION_ID" \
  --query "[?registrationState=='Registered'].namespace" --output tsv | tr '[:upper:]' '[:lower:]')
for namespace in $wanted; do
  if ! printf '%s\n' "$registered" | grep -qix "$namespace" &&
    ! az provider register --namespace "$namespace" --wait --subscription "$AZURE_SUBSCRIPTION_ID" 2>/dev/null; then
    problem "the resource provider $namespace is not registered, and $user may not register it" \
      "an Owner runs: az provider register --namespace $namespace --wait --subscription $AZURE_SUBSCRIPTION_ID"
  fi
done

# --- Services of the region

if regions=$(az functionapp list-flexconsumption-locations --subscription "$AZURE_SUBSCRIPTION_ID" \
  --query '[].name' --output tsv 2>/dev/null) && [ -n "$regions" ]; then
  printf '%s\n' "$regions" | grep -qix "$AZURE_LOCATION" ||
    problem "$AZURE_LOCATION does not offer Functions on Flex Consumption" \
      "azd env set AZURE_LOCATION to one of: $(printf '%s' "$regions" | tr '\n' ' ')"
else
  warn "could not look up where Flex Consumption is offered"
fi

case "${SIZE:-small}" in small) sku=Standard_B1ms ;; *) sku=Standard_B2s ;; esac
sku=${DATABASE_SKU:-$sku}
if offered=$(az postgres flexible-server list-skus --location "$AZURE_LOCATION" \
  --subscription "$AZURE_SUBSCRIPTION_ID" --output tsv \
  --query "[?restricted!='Enabled'].supportedServerEditions[].supportedServerSkus[].name" 2>/dev/null); then
  printf '%s\n' "$offered" | grep -qix "$sku" ||
    problem "Postgres of size $sku is not offered to this subscription in $AZURE_LOCATION" \
      "azd env set AZURE_LOCATION to another region, or azd env set DATABASE_SKU to another size"
else
  problem "Postgres is not offered to this subscription in $AZURE_LOCATION" \
    "azd env set AZURE_LOCATION to another region; az postgres flexible-server list-skus --location REGION lists what one has"
fi

# --- Quota

if usage=$(az storage account show-usage --location "$AZURE_LOCATION" --subscription "$AZURE_SUBSCRIPTION_ID" \
  --query '[currentValue, limit]' --output tsv 2>/dev/null | tr '\n' ' '); then
  # shellcheck disable=SC2086 # two numbers
  set -- $usage
  if [ $# -eq 2 ] && [ "$(($2 - $1))" -lt 3 ] && [ -z "${CLIPS_STORAGE_NAME:-}" ]; then
    problem "$AZURE_LOCATION has room for $(($2 - $1)) more storage accounts; up to three are needed" \
      "azd env set AZURE_LOCATION to another region, or ask for quota in the portal"
  fi
fi
if full=$(az rest --url "https://management.azure.com/subscriptions/$AZURE_SUBSCRIPTION_ID/providers/Microsoft.DBforPostgreSQL/locations/$AZURE_LOCATION/resourceType/flexibleServers/usages?api-version=2025-08-01" \
  --query 'value[?currentValue>=limit && limit>`0`].name.value' --output tsv 2>/dev/null) && [ -n "$full" ] &&
  [ -z "${DATABASE_SERVER_NAME:-}" ]; then
  warn "these quotas of Postgres in $AZURE_LOCATION are used up: $(printf '%s' "$full" | tr '\n' ' ')"
fi

# --- A vault of this environment that was deleted

if [ "${USE_VAULT:-false}" = true ]; then
  vault=$(az keyvault list-deleted --resource-type vault --subscription "$AZURE_SUBSCRIPTION_ID" --output tsv \
    --query "[?contains(properties.vaultId, '/rg-$AZURE_ENV_NAME/')].name" 2>/dev/null || true)
  [ -z "$vault" ] || problem "the vault $vault of this environment was deleted, and its name is taken for 90 days" \
    "az group create --name rg-$AZURE_ENV_NAME --location $AZURE_LOCATION; az keyvault recover --name $vault --subscription $AZURE_SUBSCRIPTION_ID"
fi

finish
