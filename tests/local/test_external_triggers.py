"""A host whose triggers are listened to by another program, which calls it over HTTP."""

import json
from collections.abc import Iterator

import pytest

from local.host import child
from tests.local.sample import Answer, Sample, request


@pytest.fixture(scope="module")
def called_sample(shared_sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("called")
    return Sample("called", folder, shared_sample.account)


@pytest.fixture(scope="module")
def host(called_sample: Sample) -> Iterator[child.Host]:
    for kind in ("in", "text", "events"):
        called_sample.container(kind)
    with called_sample.running(bindings=called_sample.folder / "functions.json") as host:
        yield host


def call(host: child.Host, function: str, body: object) -> Answer:
    return request(host, "POST", f"/admin/calls/{function}", json.dumps(body).encode())


def reference(container: str, blob: str) -> dict[str, object]:
    content = {"Connection": "Storage", "ContainerName": container, "BlobName": blob}
    return {"version": "1.0", "source": "AzureStorageBlobs", "content": content}


def test_bindings_of_triggers_are_written_as_the_worker_gives_them(
    called_sample: Sample, host: child.Host
) -> None:
    """With their settings unresolved; functions that HTTP triggers are left out."""
    del host
    functions = json.loads((called_sample.folder / "functions.json").read_text())
    bindings = {function["name"]: function["bindings"] for function in functions}
    assert set(bindings) == {
        "take_blob",
        "take_text",
        "take_event",
        "take_message",
        "tick",
        "hourly",
    }
    (blob,) = bindings["take_event"]
    assert (blob["type"], blob["path"]) == ("blobTrigger", "%PREFIX%-events/{name}")
    assert blob["source"] == "EventGrid"
    assert {binding["type"] for binding in bindings["take_message"]} == {"queueTrigger", "queue"}


def test_call_is_answered_when_it_has_ended(called_sample: Sample, host: child.Host) -> None:
    """With 500 where the function raised; each kind of trigger brings its argument."""
    called_sample.container("in").upload_blob("a/good é.bin", b"content")
    called_sample.container("in").upload_blob("bad", b"fail always")
    called_sample.container("text").upload_blob("words.txt", b"words")
    answer = call(host, "take_blob", reference("called-in", "a/good é.bin"))
    assert (answer.status, answer.facts) == (200, {"outcome": "ok"})
    answer = call(host, "take_blob", reference("called-in", "bad"))
    assert (answer.status, answer.facts) == (500, {"outcome": "failed"})
    assert call(host, "take_text", reference("called-text", "words.txt")).status == 200
    message = {"text": "hello", "id": "1", "dequeueCount": 3, "popReceipt": "x"}
    assert call(host, "take_message", message).status == 200
    timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": True}
    assert call(host, "hourly", timer).status == 200
    assert [c["blob"] for c in called_sample.calls("take_blob")] == ["a/good é.bin", "bad"]
    assert [c["content"] for c in called_sample.calls("take_text")] == ["words"]
    assert [c["dequeue_count"] for c in called_sample.calls("take_message")] == [3]
    assert [c["past_due"] for c in called_sample.calls("hourly")] == [True]
    assert "done hello" in called_sample.messages("called-done"), "outputs are written"


def test_host_listens_to_no_other_triggers(called_sample: Sample, host: child.Host) -> None:
    """HTTP functions are served as ever, and the webhook is the other program's."""
    called_sample.send("for the other program")
    assert request(host, "GET", "/api/hello").status == 200
    webhook = "/runtime/webhooks/blobs?functionName=Host.Functions.take_event"
    assert request(host, "POST", webhook, b"[]", {"aeg-event-type": "Notification"}).status == 404
    properties = called_sample.queue().get_queue_properties()
    assert properties.approximate_message_count == 1
    assert called_sample.calls("take_message", content="for the other program") == []


@pytest.mark.parametrize(
    ("function", "body", "status"),
    [
        ("absent", {}, 404),
        ("hello", {}, 404),
        ("take_blob", {"text": "a message"}, 400),
        ("take_message", [], 400),
    ],
)
def test_call_that_does_not_fit_is_refused(
    host: child.Host, function: str, body: object, status: int
) -> None:
    assert call(host, function, body).status == status


def test_host_with_triggers_of_its_own_takes_no_calls(shared_host: child.Host) -> None:
    assert call(shared_host, "hourly", {}).status == 404
