"""Every outage of storage becomes StorageUnavailable, from every method."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from azure.core.exceptions import AzureError

from local import azurite
from shared.clock import Clock, utc_now
from shared.errors import BlobExists, BlobHeld, CliplinkError, StorageUnavailable
from shared.model.blob import Blob
from shared.settings import StorageSettings
from shared.settings.secret import Fixed
from shared.storage import signed_requests
from shared.storage.rest import RestClient, RetryPolicy, StorageSilent
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs
from tests.integration.stores import Store
from tests.servers import Reply, Request, refusing, serving

type Verb = Callable[[Blobs], object]

A_BLOB = Blob(
    name="a",
    etag="0x1",
    size=1000,
    last_modified=datetime.now(UTC),
    content_type=None,
    content_md5=None,
    access_tier=None,
    metadata={},
)
VERBS: dict[str, Verb] = {
    "get": lambda blobs: blobs.get("missing", "a"),
    "read": lambda blobs: blobs.reader("missing", A_BLOB).read(0, 1000),
    "put": lambda blobs: blobs.put("missing", "a", b"x", "image/jpeg", replace=True),
    "put new": lambda blobs: blobs.put("missing", "a", b"x", "image/jpeg", replace=False),
    "delete": lambda blobs: blobs.delete("missing", "a"),
    "delete prefix": lambda blobs: blobs.delete_prefix("missing", "a"),
    "list": lambda blobs: list(blobs.pages("missing")),
    "check": lambda blobs: blobs.check("missing"),
}
# These are sent by the vendor's client.
SENT_BY_SDK = (VERBS["delete"], VERBS["check"])
EVERY_VERB = pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())


def blobs_at(endpoint: str, clock: Clock = utc_now) -> Blobs:
    text = (
        f"AccountName={azurite.ACCOUNT};AccountKey={azurite.ACCOUNT_KEY};"
        f"BlobEndpoint={endpoint}/{azurite.ACCOUNT}"
    )
    settings = StorageSettings(
        connection_string=Fixed(text), account_name=None, account_key=None, endpoint=None
    )
    return Blobs(StorageAccount(settings, clock))


def failure(verb: Verb, blobs: Blobs) -> CliplinkError:
    """The error of a call; the vendor's error is only in its chain."""
    with pytest.raises(CliplinkError) as caught:
        verb(blobs)
    assert verb not in SENT_BY_SDK or isinstance(caught.value.__cause__, AzureError)
    return caught.value


@EVERY_VERB
def test_missing_container_is_an_outage(plain_store: Store, verb: Verb) -> None:
    assert isinstance(failure(verb, plain_store.blobs), StorageUnavailable)


@pytest.mark.usefixtures("no_client_retries")
@EVERY_VERB
def test_account_out_of_reach_is_an_outage(verb: Verb) -> None:
    with refusing() as port:
        assert isinstance(failure(verb, blobs_at(f"http://127.0.0.1:{port}")), StorageUnavailable)


BUSY = b"<?xml version='1.0'?><Error><Code>ServerBusy</Code><Message>Slow down</Message></Error>"
XML = {"Content-Type": "application/xml"}
EXISTS = "BlobAlreadyExists"
BAD_REPLIES = {
    "500": Reply(500, b"oops"),
    "500 with code": Reply(500, b"", {"x-ms-error-code": "InternalError"}),
    "503": Reply(503, BUSY, XML | {"x-ms-error-code": "ServerBusy"}),
    "502 of a proxy": Reply(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}),
    "429": Reply(429),
    "408": Reply(408),
    "401": Reply(401, b"", {"x-ms-error-code": "InvalidAuthenticationInfo"}),
    "403": Reply(403, b"", {"x-ms-error-code": "AuthorizationPermissionMismatch"}),
    "403 wrong key": Reply(403, b"", {"x-ms-error-code": "AuthenticationFailed"}),
    "409 container": Reply(409, b"", {"x-ms-error-code": "ContainerBeingDeleted"}),
}


@pytest.mark.usefixtures("no_client_retries")
@pytest.mark.parametrize("reply", BAD_REPLIES.values(), ids=BAD_REPLIES.keys())
def test_account_that_answers_with_a_failure_is_an_outage(reply: Reply) -> None:
    with serving(lambda _: reply) as served:
        blobs = blobs_at(served.url)
        raised = {name: type(failure(verb, blobs)) for name, verb in VERBS.items()}
    assert all(issubclass(error, StorageUnavailable) for error in raised.values()), raised


@pytest.mark.usefixtures("no_client_retries")
def test_answer_that_breaks_off_is_an_outage() -> None:
    headers = {"Content-Range": "bytes 0-999/1000", "ETag": '"0x1"'}
    reply = Reply(206, b"x" * 10, headers, missing=990)
    with serving(lambda _: reply) as served:
        assert isinstance(failure(VERBS["read"], blobs_at(served.url)), StorageUnavailable)


@pytest.mark.usefixtures("no_client_retries")
@pytest.mark.parametrize("verb", ["list", "get", "read", "put", "put new"])
def test_answer_that_is_not_of_storage_is_an_outage(verb: str) -> None:
    """A proxy's sign-in page, for example."""
    page = Reply(200, b"<html><p>Sign in", {"Content-Type": "application/xml"})
    with serving(lambda _: page) as served:
        assert isinstance(failure(VERBS[verb], blobs_at(served.url)), StorageUnavailable)


def test_write_is_repeated_after_a_short_failure() -> None:
    """The repeated request has the same condition: if the first one arrived, the blob exists."""
    replies = iter([Reply(503), Reply(500), Reply(409, b"", {"x-ms-error-code": EXISTS})])
    with serving(lambda _: next(replies)) as served, pytest.raises(BlobExists):
        VERBS["put new"](blobs_at(served.url))
    assert [request.headers["If-None-Match"] for request in served.requests] == ["*"] * 3


def test_short_failure_is_bridged_by_the_client() -> None:
    replies = iter([Reply(503, BUSY, XML), Reply(202)])
    with serving(lambda _: next(replies)) as served:
        assert blobs_at(served.url).delete("missing", "a") is True
        assert len(served.requests) == 2


def test_account_is_made_without_connecting() -> None:
    with serving(lambda _: Reply(500)) as served:
        blobs_at(served.url)
        assert served.requests == []


@pytest.mark.parametrize(
    "verb", [VERBS["get"], VERBS["read"], VERBS["put"]], ids=["get", "read", "put"]
)
def test_silent_storage_is_waited_for_once(verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller waits for one time-out, without retries."""
    quick = replace(signed_requests._RETRIES, timeout=0.5)
    monkeypatch.setattr(signed_requests, "_RETRIES", quick)
    over = threading.Event()

    def answer(_: Request) -> Reply:
        over.wait(30)
        return Reply(500)

    with serving(answer) as silent:
        assert isinstance(failure(verb, blobs_at(silent.url)), StorageUnavailable)
        over.set()
    assert len(silent.requests) == 1


def test_connection_that_storage_closed_is_retried() -> None:
    """An idle connection is closed by the service now and then; that is no outage."""
    replies = iter([Reply(200, b"", missing=10), Reply(202)])
    with serving(lambda _: next(replies)) as served:
        assert blobs_at(served.url).delete("missing", "a") is True


@pytest.mark.usefixtures("no_client_retries")
def test_conflict_with_a_copy_is_an_outage_that_names_its_code() -> None:
    reply = Reply(409, b"", {"x-ms-error-code": "PendingCopyOperation"})
    with serving(lambda _: reply) as served:
        error = failure(VERBS["delete"], blobs_at(served.url))
    assert isinstance(error, StorageUnavailable)
    assert "409 PendingCopyOperation" in error.detail


@pytest.mark.parametrize("code", ["BlobImmutableDueToPolicy", ""])
def test_blob_that_a_policy_keeps_is_held(code: str) -> None:
    reply = Reply(409, b"", {"x-ms-error-code": code} if code else {})
    with serving(lambda _: reply) as served, pytest.raises(BlobHeld):
        blobs_at(served.url).delete("clips", "a")


@pytest.mark.parametrize(("repeats", "asked"), [(False, 1), (True, 3)])
def test_small_client_repeats_a_request_after_silence_only_in_background_work(
    repeats: bool,  # noqa: FBT001 - a parameter of the test
    asked: int,
) -> None:
    policy = RetryPolicy(attempts=3, first=0.01, timeout=0.2, repeats_silence=repeats)
    over = threading.Event()

    def answer(_: Request) -> Reply:
        over.wait(30)
        return Reply(500)

    with serving(answer) as silent:
        client = RestClient(silent.url, policy)
        with pytest.raises(StorageSilent):
            client.send("GET", lambda: f"{silent.url}/a?sig=1")
        over.set()
        client.close()
    assert len(silent.requests) == asked
