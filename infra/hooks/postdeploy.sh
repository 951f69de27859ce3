#!/bin/sh
# After new code is deployed: sends blob events to it, the second phase of the template, and runs the smoke
# script with CLIPLINK_TOKEN, a token of the issuer. Without that variable, and with Entra as the issuer,
# the deployer's own token is used. Without any token the script is skipped with a warning; SMOKE=false
# skips it without one.
set -eu
cd "$(dirname "$0")/../.."
. infra/hooks/python.sh

# The host creates the key when it first loads the blob trigger of the new code.
key=
tries=0
while [ -z "$key" ]; do
  key=$(az functionapp keys list --name "$AZURE_FUNCTION_APP_NAME" \
    --resource-group "$AZURE_RESOURCE_GROUP" --subscription "$AZURE_SUBSCRIPTION_ID" \
    --query systemKeys.blobs_extension --output tsv) || key=
  tries=$((tries + 1))
  if [ -z "$key" ]; then
    [ "$tries" -lt 30 ] || {
      echo "The app has no key blobs_extension, because it does not start. Read its log:" >&2
      echo "  az webapp log tail --name $AZURE_FUNCTION_APP_NAME --resource-group $AZURE_RESOURCE_GROUP" >&2
      exit 1
    }
    sleep 10
  fi
done

# On standard input: other users of the machine can see the arguments of a command.
"$python" -c '
import json, os, sys
values = {
    "functionAppName": os.environ["AZURE_FUNCTION_APP_NAME"],
    "clipsStorageName": os.environ["CLIPS_STORAGE_NAME"],
    "topicName": os.environ["EVENTS_TOPIC_NAME"],
    "containerPrefix": os.environ["CONTAINER_PREFIX"],
    "blobsExtensionKey": sys.stdin.read().strip(),
}
json.dump({"parameters": {name: {"value": value} for name, value in values.items()}}, sys.stdout)
' <<END | az deployment group create --name events --resource-group "$AZURE_RESOURCE_GROUP" \
  --subscription "$AZURE_SUBSCRIPTION_ID" \
  --template-file infra/events.bicep --parameters @/dev/stdin --output none
$key
END
echo "ok: blob events go to $AZURE_FUNCTION_APP_NAME"

[ "${SMOKE:-true}" = true ] || exit 0
if [ -z "${CLIPLINK_TOKEN:-}" ] && [ -z "${AUTH_ISSUER:-}" ]; then
  CLIPLINK_TOKEN=$(az account get-access-token --resource "${AUTH_AUDIENCE:-}" \
    --subscription "$AZURE_SUBSCRIPTION_ID" --query accessToken --output tsv) || CLIPLINK_TOKEN=
fi
if [ -z "${CLIPLINK_TOKEN:-}" ]; then
  echo "warning: the app is deployed, but not tested, because there is no token for ${AUTH_AUDIENCE:-the API}." >&2
  echo "  do: put a token of your issuer into CLIPLINK_TOKEN, then: azd hooks run postdeploy" >&2
  echo "  or: azd env set SMOKE false" >&2
  exit 0
fi
export CLIPLINK_TOKEN
film=$(mktemp -d)/smoke.mp4
"$python" -m local.sample "$film"
"$python" -m infra.smoke "$API_URL" "$film"
