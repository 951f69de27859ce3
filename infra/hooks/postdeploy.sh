#!/bin/sh
# After new code is out: points blob events at it, the second phase of the template, and tries it out.
# CLIPLINK_TOKEN is a token of the issuer for the trial; without it, and with Entra as the issuer, the
# deployer's own is asked for. SMOKE=false leaves the trial out.
set -eu
cd "$(dirname "$0")/../.."
. infra/hooks/python.sh

# The key comes into being when the host first loads the blob trigger of the new code.
key=
tries=0
while [ -z "$key" ]; do
  key=$(az functionapp keys list --name "$AZURE_FUNCTION_APP_NAME" \
    --resource-group "$AZURE_RESOURCE_GROUP" --subscription "$AZURE_SUBSCRIPTION_ID" \
    --query systemKeys.blobs_extension --output tsv) || key=
  tries=$((tries + 1))
  if [ -z "$key" ]; then
    [ "$tries" -lt 30 ] || { echo "The app has no key blobs_extension: did its start fail?" >&2; exit 1; }
    sleep 10
  fi
done

# On standard input: arguments of a command can be seen by others.
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
if [ -z "${CLIPLINK_TOKEN:-}" ]; then
  CLIPLINK_TOKEN=$(az account get-access-token --resource "$AUTH_AUDIENCE" \
    --subscription "$AZURE_SUBSCRIPTION_ID" --query accessToken --output tsv) || {
    echo "Deployed, but not tried out: no token for $AUTH_AUDIENCE." >&2
    echo "Set CLIPLINK_TOKEN, or SMOKE=false, and run: azd hooks run postdeploy" >&2
    exit 1
  }
fi
export CLIPLINK_TOKEN
film=$(mktemp -d)/smoke.mp4
"$python" -m local.sample "$film"
"$python" -m infra.smoke "$API_URL" "$film"
