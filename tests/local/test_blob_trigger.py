"""Blob triggers through the real host: at least once, retried, and given up in the end."""

import json

import pytest

from local.host import child
from tests.local.sample import Answer, Sample, request, wait_until

_EVENT_PATH = "/runtime/webhooks/blobs?functionName=Host.Functions."


def test_blob_that_lands_fires_once(shared_host: child.Host, shared_sample: Sample) -> None:
    """`{name}` crosses slashes; a client comes for an SDK type."""
    del shared_host
    shared_sample.container("in").upload_blob("a/b/é c.bin", b"content")
    shared_sample.wait_for_calls(1, "take_blob", blob="a/b/é c.bin", content="content")
    shared_sample.container("in").upload_blob("after &amp; <it>", b"")
    shared_sample.wait_for_calls(1, "take_blob", blob="after &amp; <it>")
    assert len(shared_sample.calls("take_blob", blob="a/b/é c.bin")) == 1


def test_only_blobs_that_fit_the_path_fire(shared_host: child.Host, shared_sample: Sample) -> None:
    """A classic stream holds the bytes and the length."""
    del shared_host
    shared_sample.container("text").upload_blob("no.bin", b"")
    shared_sample.container("text").upload_blob("x/yes.txt", b"words")
    (call,) = shared_sample.wait_for_calls(1, "take_text")
    assert (call["blob"], call["content"]) == ("shared-text/x/yes.txt", "words")
    assert call["length"] == 5


def test_new_version_fires_again(shared_host: child.Host, shared_sample: Sample) -> None:
    """A change of metadata alone makes a new version, with a new ETag."""
    del shared_host
    blob = shared_sample.container("in").get_blob_client("rewritten")
    for count, content in enumerate((b"first", b"second"), start=1):
        blob.upload_blob(content, overwrite=True)
        shared_sample.wait_for_calls(count, "take_blob", blob="rewritten")
    blob.set_blob_metadata({"a": "b"})
    shared_sample.wait_for_calls(3, "take_blob", blob="rewritten")


def test_blobs_that_are_there_fire_at_the_first_start_only(sample: Sample) -> None:
    """Receipts outlive the host."""
    sample.container("in").upload_blob("old", b"")
    with sample.running():
        sample.wait_for_calls(1, "take_blob", blob="old")
        sample.container("in").upload_blob("seen last", b"")
        sample.wait_for_calls(1, "take_blob", blob="seen last")
    sample.container("in").upload_blob("while it was down", b"")
    with sample.running():
        sample.wait_for_calls(1, "take_blob", blob="while it was down")
    assert len(sample.calls("take_blob")) == 3


def test_message_is_poison_after_five_failures(
    shared_host: child.Host, shared_sample: Sample
) -> None:
    """No try waits for the end of a lease, which is longer than the test waits.

    The poison queue holds the message of the real host, in its encoding.
    """
    del shared_host
    blob = shared_sample.container("in").upload_blob("failing", b"fail always")

    def poison() -> list[dict[str, str]]:
        messages = map(json.loads, shared_sample.messages("webjobs-blobtrigger-poison"))
        return [m for m in messages if m["BlobName"] == "failing"]

    wait_until(poison, "a poison message")
    calls = shared_sample.calls("take_blob", blob="failing")
    assert len(calls) == 5
    assert poison() == [
        {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.take_blob",
            "BlobType": "BlockBlob",
            "ContainerName": "shared-in",
            "BlobName": "failing",
            "ETag": blob.get_blob_properties().etag,
        }
    ]
    assert "RuntimeError: as the test wished" in shared_sample.log


def test_blob_of_a_killed_host_runs_again(sample: Sample) -> None:
    """The lease of the dead host runs out, and the next one takes the message."""
    sample.container("in").upload_blob("long", b"slow")
    with sample.running(LOCAL_HOST_LEASE_SECONDS="2") as host:
        sample.wait_for_calls(1, "take_blob", blob="long")
        host.child.process.kill()
        host.child.process.wait()
    with sample.running():
        sample.wait_for_calls(2, "take_blob", blob="long")
        sample.release()
        wait_until(lambda: "take_blob ok" in sample.log, "its end")
    assert len(sample.calls("take_blob", blob="long")) == 2


def test_function_may_run_longer_than_the_lease(sample: Sample) -> None:
    """The lease is renewed, so the message is not delivered again."""
    sample.container("in").upload_blob("longer", b"slow")
    with sample.running(LOCAL_HOST_LEASE_SECONDS="1"):
        sample.wait_for_calls(1, "take_blob", blob="longer")
        (first,) = sample.calls("take_blob")
        # Five short blobs later at least two leases would have run out.
        for number in range(5):
            sample.container("in").upload_blob(f"short {number}", b"")
            (short,) = sample.wait_for_calls(1, "take_blob", blob=f"short {number}")
        wait_until(
            lambda: _age_of_a_new_call(sample) - first["time"] > 2.5, "time to pass in the record"
        )
        assert len(sample.calls("take_blob", blob="longer")) == 1
        sample.release()
        wait_until(lambda: sample.log.count("take_blob ok") > 5, "its end")
    assert short["function"] == "take_blob"


def _age_of_a_new_call(sample: Sample) -> float:
    """The time of one more call, in the clock of the host."""
    number = len(sample.calls("take_blob"))
    sample.container("in").upload_blob(f"clock {number}", b"")
    (call,) = sample.wait_for_calls(1, "take_blob", blob=f"clock {number}")
    moment: float = call["time"]
    return moment


def test_overwritten_blob_runs_only_in_its_new_version(sample: Sample) -> None:
    """The message of the old version is dropped; a deleted blob is left alone."""
    container = sample.container("in")
    # Both places are taken by slow ones, so that the messages of the others have to wait.
    for name in ("slow 1", "slow 2"):
        container.upload_blob(name, b"slow")
    with sample.running():
        sample.wait_for_calls(2, "take_blob", content="slow")
        container.upload_blob("changing", b"old version")
        container.upload_blob("vanishing", b"")
        queue = sample.queue(sample.trigger_queue())
        wait_until(
            lambda: (queue.get_queue_properties().approximate_message_count or 0) >= 4,
            "messages for both",
        )
        container.upload_blob("changing", b"new version", overwrite=True)
        container.delete_blob("vanishing")
        sample.release()
        sample.wait_for_calls(1, "take_blob", blob="changing")
        wait_until(lambda: "vanishing was deleted" in sample.log, "word of the deleted blob")
        wait_until(lambda: "changing was overwritten" in sample.log, "word of the old version")
    assert [c["content"] for c in sample.calls("take_blob", blob="changing")] == ["new version"]
    assert sample.calls("take_blob", blob="vanishing") == []


def test_container_that_comes_later_is_watched(sample: Sample) -> None:
    """The host starts without it."""
    with sample.running():
        sample.container("in").upload_blob("first of all", b"")
        sample.wait_for_calls(1, "take_blob", blob="first of all")


def test_blob_is_run_by_hand(shared_host: child.Host, shared_sample: Sample) -> None:
    """The input names it: container/name. The function is called once, without a message."""
    shared_sample.container("in").upload_blob("by hand", b"fail by hand")
    shared_sample.wait_for_calls(5, "take_blob", blob="by hand")
    body = json.dumps({"input": "shared-in/by hand"}).encode()
    answer = request(shared_host, "POST", "/admin/functions/take_blob", body)
    assert answer.status == 202
    shared_sample.wait_for_calls(6, "take_blob", blob="by hand")
    absent = json.dumps({"input": "shared-in/absent"}).encode()
    assert request(shared_host, "POST", "/admin/functions/take_blob", absent).status == 202
    wait_until(lambda: "cannot be called for shared-in/absent" in shared_sample.log, "a line")
    assert len(shared_sample.calls("take_blob", blob="by hand")) == 6


# --- Event Grid's webhook


def deliver(
    host: child.Host, body: object, kind: str | None = "Notification", function: str = "take_event"
) -> Answer:
    """Posts a body to the webhook, as a delivery of a kind."""
    headers = {} if kind is None else {"aeg-event-type": kind}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(host, "POST", f"{_EVENT_PATH}{function}", content, headers)


def event(url: str, kind: str = "Microsoft.Storage.BlobCreated", **more: str) -> dict[str, object]:
    return {"eventType": kind, "data": {"url": url, "blobType": "BlockBlob", **more}}


def test_event_grid_shakes_hands_by_the_header(shared_host: child.Host) -> None:
    """The answer has the validation code; without the header it is no handshake."""
    body = [
        {
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "data": {"validationCode": "abc"},
        }
    ]
    answer = deliver(shared_host, body, "SubscriptionValidation")
    assert (answer.status, answer.facts) == (200, {"validationResponse": "abc"})
    assert deliver(shared_host, body, None).status == 400
    assert deliver(shared_host, body).status == 500
    assert deliver(shared_host, b"", "Unsubscribe").status == 202
    assert request(shared_host, "GET", f"{_EVENT_PATH}take_event").status == 400


def test_event_grid_delivers_every_event(shared_host: child.Host, shared_sample: Sample) -> None:
    """No event is filtered: neither by container nor by type. Without one nothing is run."""
    container, elsewhere = shared_sample.container("events"), shared_sample.container("in")
    for blob in ("without an event", "x/é", "by another type", "alone"):
        container.upload_blob(blob, b"")
    elsewhere.upload_blob("of another container", b"")
    events = [
        event(f"{elsewhere.url}/of%20another%20container", eTag="0x1"),
        event(f"{container.url}/x/%C3%A9"),
        event(f"{container.url}/by%20another%20type", "Microsoft.Storage.BlobRenamed"),
    ]
    assert deliver(shared_host, events).status == 202
    assert deliver(shared_host, event(f"{container.url}/alone")).status == 202
    assert deliver(shared_host, []).status == 202
    for blob in ("of another container", "x/é", "by another type", "alone"):
        shared_sample.wait_for_calls(1, "take_event", blob=blob)
    assert len(shared_sample.calls("take_event")) == 4


def test_event_of_an_unknown_function_is_accepted(
    shared_host: child.Host, shared_sample: Sample
) -> None:
    """Its message vanishes: a renamed function is silent, as on Azure."""
    url = f"{shared_sample.container('events').url}/absent"
    assert deliver(shared_host, event(url), function="hello").status == 202
    assert deliver(shared_host, event(url), function="absent").status == 202


@pytest.mark.parametrize("body", [b"", b"{", [1], [{"eventType": "x"}], [{"data": {"url": "x"}}]])
def test_malformed_event_is_500(shared_host: child.Host, body: object) -> None:
    assert deliver(shared_host, body).status == 500


def test_good_events_before_a_bad_one_are_delivered(
    shared_host: child.Host, shared_sample: Sample
) -> None:
    container = shared_sample.container("events")
    container.upload_blob("before", b"")
    container.upload_blob("after", b"")
    good, unread = event(f"{container.url}/before"), event(f"{container.url}/after")
    assert deliver(shared_host, [good, {"data": {}}, unread]).status == 500
    shared_sample.wait_for_calls(1, "take_event", blob="before")
    assert shared_sample.calls("take_event", blob="after") == []


def test_deleted_container_does_not_stop_the_host(sample: Sample) -> None:
    """It may come back."""
    with sample.running() as host:
        container = sample.container("in")
        container.upload_blob("one", b"")
        sample.wait_for_calls(1, "take_blob", blob="one")
        container.delete_container()
        container.create_container()
        container.upload_blob("two", b"")
        sample.wait_for_calls(1, "take_blob", blob="two")
        assert not host.child.has_ended()
