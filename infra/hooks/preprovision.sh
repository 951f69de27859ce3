#!/bin/sh
# Before azd deploys the template: checks what would fail later (preflight.sh), then sets in azd's
# environment the values of the template that can be looked up. Existing values stay.
set -eu
cd "$(dirname "$0")/../.."

[ "${PREFLIGHT:-true}" = false ] || sh infra/hooks/preflight.sh

if [ -z "${DATABASE_ADMINISTRATOR_ID:-}" ]; then
  if [ "$(az account show --query user.type --output tsv)" = user ]; then
    azd env set DATABASE_ADMINISTRATOR_TYPE User
    azd env set DATABASE_ADMINISTRATOR_ID "$(az ad signed-in-user show --query id --output tsv)"
    azd env set DATABASE_ADMINISTRATOR_NAME \
      "$(az ad signed-in-user show --query userPrincipalName --output tsv)"
  else
    application=$(az account show --query user.name --output tsv)
    azd env set DATABASE_ADMINISTRATOR_TYPE ServicePrincipal
    azd env set DATABASE_ADMINISTRATOR_ID \
      "$(az ad sp show --id "$application" --query id --output tsv)"
    azd env set DATABASE_ADMINISTRATOR_NAME \
      "$(az ad sp show --id "$application" --query displayName --output tsv)"
  fi
fi

# Azure refuses to change the first day of an existing budget.
[ -n "${BUDGET_START:-}" ] || azd env set BUDGET_START "$(date -u +%Y-%m-01)"
