"""Copies within the account, and deletions, of one version of a blob."""

import pytest

from shared.errors import BlobChanged, BlobMissing
from shared.storage.files.stored import Place
from shared.storage.sdk.blob_copies import BlobCopies
from tests.integration.stores import Store


@pytest.fixture
def copies(any_store: Store) -> BlobCopies:
    return BlobCopies(any_store.account, any_store.blobs, any_store.links)


def test_copy_has_the_type_and_metadata_of_its_source(any_store: Store, copies: BlobCopies) -> None:
    store = any_store
    store.blobs.put(
        store.container, "a b/ä.mp4", b"data", "video/mp4", replace=True, metadata={"title": "x"}
    )
    source = store.blobs.get(store.container, "a b/ä.mp4")
    copied = copies.copy(
        Place(store.container, source.name), source, Place(store.container, "copy")
    )
    assert (copied.size, copied.content_type, copied.content_md5, copied.metadata) == (
        source.size,
        source.content_type,
        source.content_md5,
        source.metadata,
    )
    assert store.read("copy") == b"data"


def test_copy_of_another_version_is_refused(plain_store: Store) -> None:
    store = plain_store
    copies = BlobCopies(store.account, store.blobs, store.links)
    old = store.put("one")
    store.put("one", b"newer")
    place, target = Place(store.container, "one"), Place(store.container, "copy")
    with pytest.raises(BlobChanged):
        copies.copy(place, old, target)
    assert "copy" not in store.names()


def test_copy_onto_a_blob_needs_its_version(plain_store: Store) -> None:
    store = plain_store
    copies = BlobCopies(store.account, store.blobs, store.links)
    source, older = store.put("one"), store.put("copy", b"older")
    place, target = Place(store.container, "one"), Place(store.container, "copy")
    with pytest.raises(BlobChanged):
        copies.copy(place, source, target)
    assert store.read("copy") == b"older"
    newer = store.put("copy", b"newer")
    with pytest.raises(BlobChanged):
        copies.copy(place, source, target, over=older)
    copies.copy(place, source, target, over=newer)
    assert store.read("copy") == b"data"


def test_copy_onto_itself_is_a_new_version(plain_store: Store) -> None:
    store = plain_store
    copies = BlobCopies(store.account, store.blobs, store.links)
    blob, place = store.put("one"), Place(store.container, "one")
    assert copies.copy(place, blob, place, over=blob).etag != blob.etag
    assert store.read("one") == b"data"


def test_copy_of_an_absent_blob_is_refused(plain_store: Store) -> None:
    store = plain_store
    copies = BlobCopies(store.account, store.blobs, store.links)
    blob = store.put("one")
    store.blobs.delete(store.container, "one")
    with pytest.raises(BlobMissing):
        copies.copy(Place(store.container, "one"), blob, Place(store.container, "copy"))


def test_deletion_spares_other_versions(any_store: Store, copies: BlobCopies) -> None:
    store = any_store
    blobs = [store.put(f"{number} &.mp4") for number in range(3)]
    store.put(blobs[1].name, b"newer")
    store.blobs.delete(store.container, blobs[2].name)
    copies.delete_all(store.container, blobs)
    assert store.names() == [blobs[1].name]
    assert not store.blobs.delete_version(store.container, blobs[1])
    assert store.blobs.delete_version(store.container, store.put("again"))
