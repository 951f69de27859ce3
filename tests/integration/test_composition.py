"""Blobs that storage composes from ranges of another blob: the bytes do not pass the app."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import BlobChanged, BlobMissing, StorageUnavailable
from shared.media.cutting.by_index.mp4_film import read_film
from shared.model.blob import Blob
from shared.model.cut_method import Accuracy
from shared.storage.files.composition import Composer, SourceRange
from shared.storage.files.stored import Place
from shared.storage.rest import RetryPolicy
from shared.storage.signing.signed_links import Links
from tests.media.clips import make
from tests.media.counted import counted, shown
from tests.services import AllServices


@pytest.fixture
def composer(services: AllServices) -> Iterator[Composer]:
    links = Links(services.account, services.clock)
    with Composer(services.account, links, RetryPolicy(attempts=2, first=0.01)) as composer:
        yield composer


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make(tmp_path_factory.mktemp("film") / "film.mp4", counted()).read_bytes()


def put(services: AllServices, name: str, data: bytes) -> Blob:
    container = services.containers.videos
    services.blobs.put(container, name, data, "video/mp4", replace=True)
    return services.blobs.get(container, name)


def test_storage_copies_the_media_of_a_cut(
    services: AllServices, composer: Composer, film: bytes, tmp_path: Path
) -> None:
    source = put(services, "source.mp4", film)
    reader = services.blobs.reader(services.containers.videos, source)
    span, cut = read_film(reader).cut(2.5, 5, Accuracy.KEYFRAME)
    place = Place(services.containers.clips, "cut.mp4")
    at = Place(services.containers.videos, source.name)
    draft = composer.draft(place)
    draft.copy([SourceRange(at, source.etag, *part) for part in cut.ranges], cut.header)
    assert not services.blobs.exists(place.container, place.name)
    etag = draft.commit("video/mp4")
    blob = services.blobs.get(place.container, place.name)
    assert (blob.etag, blob.size, blob.content_type) == (etag, cut.size, "video/mp4")
    data = services.blobs.reader(place.container, blob).read(0, blob.size)
    (tmp_path / "cut.mp4").write_bytes(data)
    assert shown(tmp_path / "cut.mp4").numbers == list(range(50, 125))
    assert span.start == 2
    assert reader.bytes_read < len(film)


def test_source_that_was_overwritten_is_not_copied(
    services: AllServices, composer: Composer, film: bytes
) -> None:
    source = put(services, "source.mp4", film)
    at = Place(services.containers.videos, source.name)
    put(services, "source.mp4", film[::-1])
    place = Place(services.containers.clips, "cut.mp4")
    with pytest.raises(BlobChanged):
        composer.draft(place).copy([SourceRange(at, source.etag, 0, 100)])
    assert not services.blobs.exists(place.container, place.name)


def test_source_that_was_deleted_is_missing(
    services: AllServices, composer: Composer, film: bytes
) -> None:
    source = put(services, "source.mp4", film)
    at = Place(services.containers.videos, source.name)
    services.blobs.delete(at.container, at.name)
    with pytest.raises((BlobMissing, BlobChanged)):  # the emulator has one word for both
        composer.draft(Place(services.containers.clips, "cut.mp4")).copy(
            [SourceRange(at, source.etag, 0, 100)]
        )


def test_large_range_is_copied_in_pieces(
    services: AllServices, composer: Composer, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.storage.files.composition.LARGEST_COPY", 1000)
    source = put(services, "source.mp4", film)
    at = Place(services.containers.videos, source.name)
    place = Place(services.containers.clips, "copy.mp4")
    checks: list[None] = []
    draft = composer.draft(place, lambda: checks.append(None))
    draft.copy([SourceRange(at, source.etag, 10, 3500)])
    assert len(checks) == 4
    draft.commit("video/mp4")
    blob = services.blobs.get(place.container, place.name)
    assert services.blobs.reader(place.container, blob).read(0, blob.size) == film[10:3510]


def test_drafts_of_the_same_blob_never_mix(services: AllServices, composer: Composer) -> None:
    """Two workers do the same work: the one that ends last fails."""
    place = Place(services.containers.clips, "cut.mp4")
    first, second = composer.draft(place), composer.draft(place)
    for data in (b"1", b"2", b"3"):
        first.add(data)
        second.add(data * 2)
    first.begin(b"0")
    second.begin(b"00")
    first.commit("video/mp4")
    with pytest.raises(StorageUnavailable, match="during the call"):
        second.commit("video/mp4")
    blob = services.blobs.get(place.container, place.name)
    assert services.blobs.reader(place.container, blob).read(0, blob.size) == b"0123"
