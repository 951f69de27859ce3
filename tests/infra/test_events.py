"""The second phase: blob events, and nothing else, reach the function that takes blobs in."""

import re

from shared.blob_names import Containers
from tests.infra.snapshots import ROOT, deployed, of_type

CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"


def test_events_of_the_clips_container_alone_reach_the_trigger() -> None:
    """The webhook has no filter of its own: this one must be the trigger's path."""
    (subscription,) = deployed("events").resources
    properties = subscription.properties
    clips = Containers("cliplink").clips
    assert properties["filter"]["subjectBeginsWith"] == f"/blobServices/default/containers/{clips}/"
    assert properties["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    assert "advancedFilters" not in properties["filter"]


def test_events_go_to_the_function_that_takes_blobs_in() -> None:
    (subscription,) = deployed("events").resources
    url = subscription.properties["destination"]["properties"]["endpointUrl"]
    source = (ROOT / "function_app.py").read_text()
    (name,) = re.findall(r'@app.function_name\("(\w+)"\)\n@app.blob_trigger', source)
    assert "/runtime/webhooks/blobs?functionName=Host.Functions.{2}&code={3}'" in url
    assert f"'{name}', parameters('blobsExtensionKey'))" in url


def test_events_that_could_not_be_delivered_are_kept() -> None:
    (subscription,) = deployed("events").resources
    destination = subscription.properties["deadLetterWithResourceIdentity"]["deadLetterDestination"]
    kept_in = destination["properties"]["blobContainerName"]
    assert kept_in in [each.name for each in of_type("small", CONTAINERS)]
