"""The storage account with all three kinds of credentials: blobs, links, and outages."""

import base64
import hashlib
import os
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path

import pytest
from azure.core.exceptions import AzureError
from azure.storage.blob import ContentSettings

from clips.deletion import UPLOAD_LIFE
from local import azurite
from shared.clock import Clock, utc_now
from shared.errors import BlobChanged, BlobExists, BlobMissing, CliplinkError, StorageUnavailable
from shared.model import Blob
from shared.secret import Fixed
from shared.settings import StorageSettings
from shared.storage import Blobs, Links, LinkTerms, StorageAccount
from tests.conftest import SetClock
from tests.integration.library import Library
from tests.integration.storage import ManagedIdentity, said, send
from tests.integration.stores import UPLOAD, Store, by_identity
from tests.servers import Reply, refusing, serving

HOUR = timedelta(hours=1)
ODD_NAMES = [
    "plain.mp4",
    "two words.mp4",
    "Žofie/日本語/🎬.mp4",
    "100%.mp4",
    "%2F%41.mp4",
    "a+b.mp4",
    "what?.mp4",
    "no#1.mp4",
    "a&b=c;d,e.mp4",
    "'quoted' \"twice\".mp4",
    "(a)[b]{c}!$*~@:^`|<>.mp4",
    "deep/er/and/deeper.mp4",
    "x" * 900 + ".mp4",
]


# --- Blobs, whatever the credentials


def test_a_blob_is_written_looked_at_read_and_deleted(any_store: Store) -> None:
    blob = any_store.put("a/b.mp4", b"0123456789")
    assert (blob.name, blob.size, blob.content_type) == ("a/b.mp4", 10, "video/mp4")
    assert blob.content_md5 == base64.b64encode(hashlib.md5(b"0123456789").digest()).decode()
    assert blob.last_modified.tzinfo is not None
    assert blob.etag
    assert '"' not in blob.etag
    reader = any_store.blobs.reader(any_store.container, blob)
    assert reader.size == 10
    assert reader.read(2, 3) == b"234"
    assert any_store.names() == ["a/b.mp4"]
    assert any_store.blobs.delete(any_store.container, "a/b.mp4") is True
    assert any_store.names() == []


def test_many_blobs_go_at_once(any_store: Store) -> None:
    for name in ("v/1", "v/2", "w/1"):
        any_store.put(name)
    assert any_store.blobs.delete_prefix(any_store.container, "v/") == 2
    assert any_store.names() == ["w/1"]


def test_health_is_asked_of_a_container(any_store: Store) -> None:
    any_store.blobs.check(any_store.container)
    with pytest.raises(StorageUnavailable):
        any_store.blobs.check("no-such-container")


# --- Reading


def test_a_range_ends_with_the_blob(plain_store: Store) -> None:
    reader = plain_store.blobs.reader(plain_store.container, plain_store.put("a", b"0123456789"))
    assert reader.read(8, 100) == b"89"
    assert reader.read(10, 1) == b""
    assert reader.read(99, 1) == b""
    assert reader.read(3, 0) == b""


def test_an_empty_blob_has_nothing_to_read(plain_store: Store) -> None:
    reader = plain_store.blobs.reader(plain_store.container, plain_store.put("a", b""))
    assert reader.size == 0
    assert reader.read(0, 100) == b""


def test_a_large_range_comes_whole(plain_store: Store) -> None:
    data = os.urandom(5_000_000)
    reader = plain_store.blobs.reader(plain_store.container, plain_store.put("a", data))
    assert reader.read(1_000, 4_500_000) == data[1_000:4_501_000]


def test_another_version_than_the_one_asked_for_is_not_read(plain_store: Store) -> None:
    old = plain_store.put("a", b"old version")
    plain_store.put("a", b"new version")
    with pytest.raises(BlobChanged):
        plain_store.blobs.reader(plain_store.container, old).read(0, 4)


def test_a_missing_blob_is_said_to_be_missing(plain_store: Store) -> None:
    blobs, container = plain_store.blobs, plain_store.container
    blob = plain_store.put("a")
    assert blobs.delete(container, "a") is True
    with pytest.raises(BlobMissing):
        blobs.get(container, "a")
    # Azure says that it is missing; the emulator, that it is not the version asked for.
    with pytest.raises((BlobMissing, BlobChanged)):
        blobs.reader(container, blob).read(0, 1)
    assert blobs.delete(container, "a") is False


# --- Writing


def test_a_blob_is_replaced_only_if_that_is_meant(plain_store: Store) -> None:
    blobs, container = plain_store.blobs, plain_store.container
    blobs.put(container, "a", b"one", "image/jpeg", replace=False)
    with pytest.raises(BlobExists):
        blobs.put(container, "a", b"two", "image/jpeg", replace=False)
    assert plain_store.read("a") == b"one"
    blobs.put(container, "a", b"two", "image/png", replace=True)
    assert plain_store.read("a") == b"two"
    assert blobs.get(container, "a").content_type == "image/png"


def test_metadata_and_content_type_by_other_tools_are_seen(plain_store: Store) -> None:
    client = plain_store.account.client.get_blob_client(plain_store.container, "a")
    client.upload_blob(
        b"x", metadata={"title": "Goal"}, content_settings=ContentSettings("video/webm")
    )
    blob = plain_store.blobs.get(plain_store.container, "a")
    assert (dict(blob.metadata), blob.content_type) == ({"title": "Goal"}, "video/webm")
    ((listed,),) = plain_store.blobs.pages(plain_store.container, metadata=True)
    assert listed == blob
    ((bare,),) = plain_store.blobs.pages(plain_store.container)
    assert bare.metadata == {}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_blob_may_have_any_name(plain_store: Store, name: str) -> None:
    blobs, container = plain_store.blobs, plain_store.container
    plain_store.put("another")
    assert plain_store.put(name, b"one").name == name
    plain_store.put(name, b"two")
    assert plain_store.read(name) == b"two"
    assert plain_store.names(name) == [name]
    assert blobs.delete(container, name) is True
    plain_store.put(name)
    assert blobs.delete_prefix(container, name) == 1
    assert plain_store.names() == ["another"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_link_opens_a_blob_of_any_name(plain_store: Store, name: str) -> None:
    plain_store.put(name, b"here")
    link = plain_store.links.to_read(plain_store.container, name, HOUR)
    assert link.url.isascii()
    assert plain_store.send("GET", link.url).body == b"here"


# --- Listing and deleting many


def test_hundreds_of_blobs_are_listed_in_order_and_deleted(
    plain_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.storage.blobs._LIST_PAGE", 100)  # real pages hold 5000
    names = [f"v/{number:03}.jpg" for number in range(310)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(plain_store.put, [*names, "w/other.jpg"]))
    pages = list(plain_store.blobs.pages(plain_store.container, "v/"))
    assert [len(page) for page in pages] == [100, 100, 100, 10]
    assert [blob.name for page in pages for blob in page] == names
    assert plain_store.blobs.delete_prefix(plain_store.container, "v/") == 310
    assert plain_store.names() == ["w/other.jpg"]


def test_a_prefix_that_nothing_has_is_no_error(plain_store: Store) -> None:
    assert plain_store.blobs.delete_prefix(plain_store.container, "nothing/") == 0
    assert plain_store.names("nothing/") == []


def test_a_blob_goes_with_its_snapshots(plain_store: Store) -> None:
    for name in ("v/1", "v/2"):
        plain_store.put(name)
        plain_store.account.client.get_blob_client(plain_store.container, name).create_snapshot()
    assert plain_store.blobs.delete(plain_store.container, "v/1") is True
    assert plain_store.blobs.delete_prefix(plain_store.container, "v/") == 1
    container = plain_store.account.client.get_container_client(plain_store.container)
    assert list(container.list_blobs(include=["snapshots"])) == []


def test_a_lease_does_not_keep_a_blob_alive(plain_store: Store) -> None:
    """Whoever may upload may take a lease, even an endless one."""
    for number in range(4):
        plain_store.put(f"v/{number}", b"x")
        client = plain_store.account.client.get_blob_client(plain_store.container, f"v/{number}")
        if number % 2:
            client.acquire_lease()
    assert plain_store.blobs.delete(plain_store.container, "v/1")
    assert plain_store.blobs.delete_prefix(plain_store.container, "v/") == 3
    assert list(plain_store.blobs.pages(plain_store.container)) in ([], [[]])


# --- Links to upload


def test_the_upload_link_of_a_clip_takes_its_bytes_in_one_request(library: Library) -> None:
    clip = library.announce()
    assert clip.blob_name is not None
    upload = library.services.access.upload(library.viewer, clip)
    assert upload.method == "PUT"
    assert upload.headers == UPLOAD
    assert upload.expires_at == library.services.clock().replace(microsecond=0) + UPLOAD_LIFE
    assert send(upload.method, upload.url, b"first", upload.headers).status == 201
    assert send(upload.method, upload.url, b"second", upload.headers).status == 201
    assert library.read("clips", clip.blob_name) == b"second"
    blob = library.services.blobs.get(library.containers.clips, clip.blob_name)
    assert blob.content_type == "video/mp4"


def test_the_upload_link_of_a_clip_takes_its_bytes_in_blocks(library: Library) -> None:
    clip = library.announce()
    assert clip.blob_name is not None
    upload = library.services.access.upload(library.viewer, clip)
    _send_in_blocks(upload.url, [b"first ", b"second"], upload.headers)
    assert library.read("clips", clip.blob_name) == b"first second"
    blob = library.services.blobs.get(library.containers.clips, clip.blob_name)
    assert blob.content_type == "video/mp4"


def test_an_upload_link_works_with_any_credentials(any_store: Store) -> None:
    link = any_store.links.to_upload(any_store.container, "v/a.mp4", HOUR)
    assert send("PUT", link.url, b"one", UPLOAD, any_store.authority).status == 201
    _send_in_blocks(link.url, [b"two", b" three"], UPLOAD, any_store.authority)
    assert any_store.read("v/a.mp4") == b"two three"


def test_an_upload_link_does_nothing_else(any_store: Store) -> None:
    any_store.put("v/a.mp4", b"mine")
    any_store.put("v/b.mp4", b"theirs")
    link = any_store.links.to_upload(any_store.container, "v/a.mp4", HOUR)
    other = link.url.replace("v/a.mp4", "v/b.mp4")
    new = link.url.replace("v/a.mp4", "v/c.mp4")
    container = f"{link.url.replace('/v/a.mp4', '')}&restype=container"
    refused = {
        "read": any_store.send("GET", link.url),
        "look": any_store.send("HEAD", link.url),
        "delete": any_store.send("DELETE", link.url),
        "list": any_store.send("GET", f"{container}&comp=list"),
        "drop": any_store.send("DELETE", container),
        "read another": any_store.send("GET", other),
        "overwrite another": send("PUT", other, b"x", UPLOAD, any_store.authority),
        "create another": send("PUT", new, b"x", UPLOAD, any_store.authority),
        "delete another": any_store.send("DELETE", other),
    }
    assert {what: answer.status for what, answer in refused.items()} == dict.fromkeys(refused, 403)
    assert any_store.read("v/a.mp4") == b"mine"
    assert any_store.read("v/b.mp4") == b"theirs"
    assert any_store.names() == ["v/a.mp4", "v/b.mp4"]


def test_no_part_of_an_upload_link_can_be_changed(plain_store: Store) -> None:
    plain_store.put("a", b"mine")
    url = plain_store.links.to_upload(plain_store.container, "a", HOUR).url
    later = url.replace(f"se={said(url, 'se')[:4]}", "se=2999")
    assert later != url
    for changed in (url.replace("sp=cw", "sp=rcwd"), later, url.replace("sr=b", "sr=c"), url[:-4]):
        assert plain_store.send("GET", changed).status == 403
        assert send("PUT", changed, b"x", UPLOAD).status == 403
    assert plain_store.read("a") == b"mine"


@pytest.mark.parametrize("hours", [-3, +3], ids=["after its end", "before its start"])
def test_an_upload_link_works_in_its_time_only(any_store: Store, hours: int) -> None:
    links = any_store.at(hours=hours)
    link = links.to_upload(any_store.container, "a.mp4", timedelta(hours=2))
    assert send("PUT", link.url, b"x", UPLOAD, any_store.authority).status == 403
    assert any_store.names() == []


# --- Links to read


def test_a_read_link_reads_whole_and_by_range(any_store: Store) -> None:
    any_store.put("v/a.mp4", b"0123456789")
    link = any_store.links.to_read(any_store.container, "v/a.mp4", HOUR)
    whole = any_store.send("GET", link.url)
    assert (whole.status, whole.body) == (200, b"0123456789")
    part = any_store.send("GET", link.url, Range="bytes=2-5")
    assert (part.status, part.body) == (206, b"2345")
    assert part.headers["Content-Range"] == "bytes 2-5/10"


def test_a_read_link_does_nothing_else(any_store: Store) -> None:
    any_store.put("v/a.mp4", b"mine")
    any_store.put("v/b.mp4", b"theirs")
    link = any_store.links.to_read(any_store.container, "v/a.mp4", HOUR)
    other = link.url.replace("v/a.mp4", "v/b.mp4")
    container = f"{link.url.replace('/v/a.mp4', '')}&restype=container"
    block = f"{link.url}&comp=block&blockid=MQ%3D%3D"
    refused = {
        "overwrite": send("PUT", link.url, b"x", UPLOAD, any_store.authority),
        "add a block": send("PUT", block, b"x", UPLOAD, any_store.authority),
        "change": any_store.send("PUT", f"{link.url}&comp=metadata", b"", x_ms_meta_a="b"),
        "delete": any_store.send("DELETE", link.url),
        "list": any_store.send("GET", f"{container}&comp=list"),
        "read another": any_store.send("GET", other),
    }
    assert {what: answer.status for what, answer in refused.items()} == dict.fromkeys(refused, 403)
    assert any_store.read("v/a.mp4") == b"mine"


@pytest.mark.parametrize("hours", [-3, +3], ids=["after its end", "before its start"])
def test_a_read_link_works_in_its_time_only(any_store: Store, hours: int) -> None:
    any_store.put("a.mp4")
    link = any_store.at(hours=hours).to_read(any_store.container, "a.mp4", timedelta(hours=2))
    assert any_store.send("GET", link.url).status == 403


def test_a_blob_is_closed_to_whoever_has_no_link(any_store: Store) -> None:
    any_store.put("a.mp4")
    url = any_store.account.url(any_store.container, "a.mp4")
    assert any_store.send("GET", url).status in {401, 403, 404}
    assert any_store.send(
        "GET", f"{url.rpartition('/')[0]}?restype=container&comp=list"
    ).status in {
        401,
        403,
        404,
    }


def test_the_address_that_a_link_is_bound_to_is_signed(any_store: Store) -> None:
    """The emulator does not look at it, but neither can it be changed or left out."""
    any_store.put("a.mp4")
    terms = LinkTerms(ip="127.0.0.1-127.0.0.9")
    url = any_store.links.to_read(any_store.container, "a.mp4", HOUR, terms).url
    assert any_store.send("GET", url).status == 200
    bound = "&sip=127.0.0.1-127.0.0.9"
    assert bound in url
    for other in ("", "&sip=203.0.113.4", "&sip=0.0.0.0-255.255.255.255"):
        assert any_store.send("GET", url.replace(bound, other)).status == 403


@pytest.mark.parametrize(
    "name",
    [
        "goal.mp4",
        "Žofie & 日本語.mp4",
        'it\'s; 100% "good"\\.mp4',
        "a\r\nSet-Cookie: x=1.mp4",
        "🎬",
    ],
)
def test_a_download_is_saved_under_the_name_asked_for(any_store: Store, name: str) -> None:
    any_store.put("a.mp4", b"here")
    terms = LinkTerms(download_as=name, content_type="video/webm")
    link = any_store.links.to_read(any_store.container, "a.mp4", HOUR, terms)
    answer = any_store.send("GET", link.url)
    assert (answer.status, answer.body) == (200, b"here")
    assert answer.headers["Content-Type"] == "video/webm"
    assert "Set-Cookie" not in answer.headers
    message = Message()
    message["Content-Disposition"] = answer.headers["Content-Disposition"]
    assert message.get_content_disposition() == "attachment"
    _, extended = answer.headers["Content-Disposition"].split("filename*=")
    parsed = Message()
    parsed["Content-Disposition"] = f"attachment; filename*={extended}"
    assert parsed.get_filename() == name


# --- With an identity: user-delegation keys


@dataclass
class Fetches:
    """Counts how often the account is asked for a user-delegation key; may let it fail."""

    real: Callable[..., object]
    count: int = 0

    def __call__(self, *arguments: object, **named: object) -> object:
        self.count += 1
        return self.real(*arguments, **named)


@pytest.fixture
def fetches(identity_store: Store, monkeypatch: pytest.MonkeyPatch) -> Fetches:
    counting = Fetches(identity_store.account.client.get_user_delegation_key)
    monkeypatch.setattr(identity_store.account.client, "get_user_delegation_key", counting)
    return counting


def test_an_identitys_token_is_for_storage(
    identity_store: Store, identity: ManagedIdentity
) -> None:
    identity_store.put("a")
    assert set(identity.asked) == {"https://storage.azure.com"}


def test_with_an_identity_links_are_signed_with_a_delegated_key(identity_store: Store) -> None:
    url = identity_store.links.to_read(identity_store.container, "a", HOUR).url
    assert said(url, "skoid") == "00000000-0000-0000-0000-000000000001"
    assert said(url, "spr") == "https,http"


def test_a_delegated_key_is_kept(identity_store: Store, fetches: Fetches) -> None:
    identity_store.clock.now = identity_store.clock.now.replace(hour=12)
    assert fetches.count == 0
    for hours in (1, 24, 100, 1):
        identity_store.links.to_read(identity_store.container, "a", timedelta(hours=hours))
        identity_store.clock.advance(minutes=10)
    assert fetches.count == 1


def test_links_of_any_life_are_signed_with_a_key_that_storage_gives(identity_store: Store) -> None:
    identity_store.put("a", b"here")
    for hours in (1, 24, 144, 167, 168):
        link = identity_store.links.to_read(
            identity_store.container, "a", timedelta(hours=hours), LinkTerms(download_as="b")
        )
        assert identity_store.send("GET", link.url).body == b"here"


def test_another_instance_makes_the_same_link(
    identity_store: Store, https_account: azurite.Account
) -> None:
    """Storage gives the same key to whoever asks for the same moments."""
    other = StorageAccount(by_identity(https_account), identity_store.clock)
    identity_store.put("a", b"here")
    for hours in (1, 168):
        asked = (identity_store.container, "a", timedelta(hours=hours))
        link = Links(other, identity_store.clock).to_read(*asked)
        assert link == identity_store.links.to_read(*asked)
        assert identity_store.send("GET", link.url).body == b"here"


def test_many_threads_fetch_one_delegated_key(identity_store: Store, fetches: Fetches) -> None:
    start = threading.Barrier(8)

    def link(_: int) -> str:
        start.wait()
        return identity_store.links.to_read(identity_store.container, "a", HOUR).url

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(link, range(8)))) == 1
    assert fetches.count == 1


@pytest.mark.usefixtures("no_client_retries")
def test_without_a_key_to_sign_with_storage_is_away(
    https_account: azurite.Account, identity: ManagedIdentity
) -> None:
    identity.broken = True
    clock = SetClock()
    links = Links(StorageAccount(by_identity(https_account), clock), clock)
    with pytest.raises(StorageUnavailable):
        links.to_read("c", "a", HOUR)


# --- Outages

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
    """What a call raises, which is nothing of the vendor's; that stays in the chain."""
    with pytest.raises(CliplinkError) as caught:
        verb(blobs)
    assert isinstance(caught.value.__cause__, AzureError)
    return caught.value


@EVERY_VERB
def test_a_missing_container_is_an_outage(plain_store: Store, verb: Verb) -> None:
    assert isinstance(failure(verb, plain_store.blobs), StorageUnavailable)


@pytest.mark.usefixtures("no_client_retries")
@EVERY_VERB
def test_an_account_out_of_reach_is_an_outage(verb: Verb) -> None:
    with refusing() as port:
        assert isinstance(failure(verb, blobs_at(f"http://127.0.0.1:{port}")), StorageUnavailable)


BUSY = b"<?xml version='1.0'?><Error><Code>ServerBusy</Code><Message>Slow down</Message></Error>"
XML = {"Content-Type": "application/xml"}
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
def test_an_account_that_answers_with_a_failure_is_an_outage(reply: Reply) -> None:
    with serving(lambda _: reply) as served:
        blobs = blobs_at(served.url)
        raised = {name: type(failure(verb, blobs)) for name, verb in VERBS.items()}
    assert raised == dict.fromkeys(VERBS, StorageUnavailable)


@pytest.mark.usefixtures("no_client_retries")
def test_an_answer_that_breaks_off_is_an_outage() -> None:
    headers = {"Content-Range": "bytes 0-999/1000", "ETag": '"0x1"'}
    reply = Reply(206, b"x" * 10, headers, missing=990)
    with serving(lambda _: reply) as served:
        assert isinstance(failure(VERBS["read"], blobs_at(served.url)), StorageUnavailable)


@pytest.mark.usefixtures("no_client_retries")
def test_an_answer_that_is_not_of_storage_is_an_outage() -> None:
    """A proxy's sign-in page, for example."""
    page = Reply(200, b"<html><p>Sign in", {"Content-Type": "application/xml"})
    with serving(lambda _: page) as served:
        assert isinstance(failure(VERBS["list"], blobs_at(served.url)), StorageUnavailable)


def test_a_short_failure_is_bridged_by_the_client() -> None:
    replies = iter([Reply(503, BUSY, XML), Reply(202)])
    with serving(lambda _: next(replies)) as served:
        assert blobs_at(served.url).delete("missing", "a") is True
        assert len(served.requests) == 2


def test_an_account_is_made_without_connecting() -> None:
    with serving(lambda _: Reply(500)) as served:
        blobs_at(served.url)
        assert served.requests == []


def _send_in_blocks(
    url: str, blocks: Sequence[bytes], headers: Mapping[str, str], authority: Path | None = None
) -> None:
    """Put Block for each, then Put Block List: what tools do with large files.

    x-ms-blob-type belongs to Put Blob alone: the emulator takes any request with it for one.
    """
    headers = {name: value for name, value in headers.items() if name != "x-ms-blob-type"}
    ids = [base64.b64encode(uuid.uuid4().bytes).decode() for _ in blocks]
    for block_id, block in zip(ids, blocks, strict=True):
        quoted = block_id.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        put = send("PUT", f"{url}&comp=block&blockid={quoted}", block, headers, authority)
        assert put.status == 201
    listed = "".join(f"<Latest>{block_id}</Latest>" for block_id in ids)
    body = f"<?xml version='1.0' encoding='utf-8'?><BlockList>{listed}</BlockList>".encode()
    put = send("PUT", f"{url}&comp=blocklist", body, headers, authority)
    assert put.status == 201
