"""The second phase: only blob events reach the functions that process blobs."""

import re

import pytest

from shared.blob_names.containers import Containers
from tests.infra.snapshots import ROOT, Resource, deployed, of_type

CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
CONTAINER_OF = {
    "clip_landed": Containers("cliplink").clips,
    "source_landed": Containers("cliplink").videos,
}


def subscription_of(function: str) -> Resource:
    (found,) = (
        each
        for each in deployed("events").resources
        if f"'{function}', parameters('blobsExtensionKey'))" in url_of(each)
    )
    return found


def url_of(subscription: Resource) -> str:
    url: str = subscription.properties["destination"]["properties"]["endpointUrl"]
    return url


def test_every_blob_function_has_its_subscription() -> None:
    source = (ROOT / "function_app.py").read_text()
    names = re.findall(r'@app.function_name\("(\w+)"\)\n@app.blob_trigger', source)
    assert set(names) == set(CONTAINER_OF)
    assert len(deployed("events").resources) == len(names)


@pytest.mark.parametrize("function", CONTAINER_OF)
def test_only_events_of_its_container_reach_a_function(function: str) -> None:
    """The webhook has no filter of its own: this one must be the trigger's path."""
    properties = subscription_of(function).properties
    container = CONTAINER_OF[function]
    prefix = f"/blobServices/default/containers/{container}/"
    assert properties["filter"]["subjectBeginsWith"] == prefix
    assert properties["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    assert "advancedFilters" not in properties["filter"]
    url = url_of(subscription_of(function))
    assert "/runtime/webhooks/blobs?functionName=Host.Functions.{2}&code={3}'" in url


@pytest.mark.parametrize("function", CONTAINER_OF)
def test_events_that_could_not_be_delivered_are_kept(function: str) -> None:
    properties = subscription_of(function).properties
    destination = properties["deadLetterWithResourceIdentity"]["deadLetterDestination"]
    kept_in = destination["properties"]["blobContainerName"]
    assert kept_in in [each.name for each in of_type("small", CONTAINERS)]
