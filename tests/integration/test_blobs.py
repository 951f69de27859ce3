"""Blobs are written, read, listed and deleted as in storage, with any credentials."""

import base64
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from azure.storage.blob import ContentSettings

from shared.errors import BlobChanged, BlobExists, BlobMissing, StorageUnavailable
from tests.integration.stores import Store

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


# --- Blobs, with any credentials


def test_blob_is_written_read_and_deleted(any_store: Store) -> None:
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


def test_health_check_reads_a_container(any_store: Store) -> None:
    any_store.blobs.check(any_store.container)
    with pytest.raises(StorageUnavailable):
        any_store.blobs.check("no-such-container")


# --- Reading


def test_range_ends_with_the_blob(plain_store: Store) -> None:
    reader = plain_store.blobs.reader(plain_store.container, plain_store.put("a", b"0123456789"))
    assert reader.read(8, 100) == b"89"
    assert reader.read(10, 1) == b""
    assert reader.read(99, 1) == b""
    assert reader.read(3, 0) == b""


def test_empty_blob_has_nothing_to_read(plain_store: Store) -> None:
    reader = plain_store.blobs.reader(plain_store.container, plain_store.put("a", b""))
    assert reader.size == 0
    assert reader.read(0, 100) == b""


def test_large_range_comes_whole(plain_store: Store) -> None:
    data = os.urandom(5_000_000)
    reader = plain_store.blobs.reader(plain_store.container, plain_store.put("a", data))
    assert reader.read(1_000, 4_500_000) == data[1_000:4_501_000]


def test_other_version_is_not_read(plain_store: Store) -> None:
    old = plain_store.put("a", b"old version")
    plain_store.put("a", b"new version")
    with pytest.raises(BlobChanged):
        plain_store.blobs.reader(plain_store.container, old).read(0, 4)


def test_missing_blob_raises_blob_missing(plain_store: Store) -> None:
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


def test_blob_is_replaced_only_on_request(plain_store: Store) -> None:
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
        b"x", metadata={"Title": "Goal"}, content_settings=ContentSettings("video/webm")
    )
    blob = plain_store.blobs.get(plain_store.container, "a")
    assert (dict(blob.metadata), blob.content_type) == ({"Title": "Goal"}, "video/webm")
    ((listed,),) = plain_store.blobs.pages(plain_store.container, metadata=True)
    assert listed == blob
    ((bare,),) = plain_store.blobs.pages(plain_store.container)
    assert bare.metadata == {}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_blob_may_have_any_name(plain_store: Store, name: str) -> None:
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
def test_link_opens_a_blob_of_any_name(plain_store: Store, name: str) -> None:
    plain_store.put(name, b"here")
    link = plain_store.links.to_read(plain_store.container, name, HOUR)
    assert link.url.isascii()
    assert plain_store.send("GET", link.url).body == b"here"


# --- Listing and deleting many


def test_hundreds_of_blobs_are_listed_in_order_and_deleted(
    plain_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.storage.listing.PAGE", 100)  # real pages hold 5000
    names = [f"v/{number:03}.jpg" for number in range(310)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(plain_store.put, [*names, "w/other.jpg"]))
    pages = list(plain_store.blobs.pages(plain_store.container, "v/"))
    assert [len(page) for page in pages] == [100, 100, 100, 10]
    assert [blob.name for page in pages for blob in page] == names
    assert plain_store.blobs.delete_prefix(plain_store.container, "v/") == 310
    assert plain_store.names() == ["w/other.jpg"]


def test_prefix_without_blobs_is_no_error(plain_store: Store) -> None:
    assert plain_store.blobs.delete_prefix(plain_store.container, "nothing/") == 0
    assert plain_store.names("nothing/") == []


def test_deletion_includes_snapshots(plain_store: Store) -> None:
    for name in ("v/1", "v/2"):
        plain_store.put(name)
        plain_store.account.client.get_blob_client(plain_store.container, name).create_snapshot()
    assert plain_store.blobs.delete(plain_store.container, "v/1") is True
    assert plain_store.blobs.delete_prefix(plain_store.container, "v/") == 1
    container = plain_store.account.client.get_container_client(plain_store.container)
    assert list(container.list_blobs(include=["snapshots"])) == []


def test_lease_does_not_keep_a_blob_alive(plain_store: Store) -> None:
    """The holder of an upload link may take a lease, even an endless one."""
    for number in range(4):
        plain_store.put(f"v/{number}", b"x")
        client = plain_store.account.client.get_blob_client(plain_store.container, f"v/{number}")
        if number % 2:
            client.acquire_lease()
    assert plain_store.blobs.delete(plain_store.container, "v/1")
    assert plain_store.blobs.delete_prefix(plain_store.container, "v/") == 3
    assert list(plain_store.blobs.pages(plain_store.container)) in ([], [[]])
