"""The second phase: blob events, and nothing else, reach the function that takes blobs in."""

import re

from shared.blob_names import Containers
from tests.infra.bicep import INFRA
from tests.infra.templates import deployed, of_type, second_phase

CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"


def test_events_of_the_clips_container_alone_reach_the_trigger() -> None:
    """The webhook has no filter of its own: this one must be the trigger's path."""
    (subscription,) = second_phase().resources
    told = subscription.properties
    clips = Containers("cliplink").clips
    assert told["filter"]["subjectBeginsWith"] == f"/blobServices/default/containers/{clips}/"
    assert told["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    assert "advancedFilters" not in told["filter"]


def test_events_go_to_the_function_that_takes_blobs_in() -> None:
    (subscription,) = second_phase().resources
    url = subscription.properties["destination"]["properties"]["endpointUrl"]
    source = (INFRA.parent / "function_app.py").read_text()
    (name,) = re.findall(r'@app.function_name\("(\w+)"\)\n@app.blob_trigger', source)
    assert f"/runtime/webhooks/blobs?functionName=Host.Functions.{name}&code=" in url


def test_events_that_could_not_be_delivered_are_kept() -> None:
    (subscription,) = second_phase().resources
    destination = subscription.properties["deadLetterWithResourceIdentity"]["deadLetterDestination"]
    kept_in = destination["properties"]["blobContainerName"]
    names = [each.name.rpartition("/")[2] for each in of_type(deployed("default"), CONTAINERS)]
    assert kept_in in names
