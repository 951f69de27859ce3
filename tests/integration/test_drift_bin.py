"""The blobs in the bin and their rows: right bytes give no line."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.model.clip import Clip
from shared.model.drift import DriftKind
from tests.conftest import SetClock
from tests.integration.drifting import Drift
from tests.integration.library import Library

QUIET = timedelta(minutes=2)


@pytest.fixture
def drift(library: Library) -> Drift:
    return Drift(library)


@pytest.fixture
def binned(library: Library, film: bytes, clock: SetClock) -> Clip:
    """A clip whose bytes were moved to the bin before the quiet time."""
    clip = library.landed(film)
    assert clip.blob_name is not None
    etag = library.upload(clip.blob_name, film, kind="bin")
    library.services.blobs.delete(library.containers.clips, clip.blob_name)
    library.services.blobs.delete_prefix(
        library.containers.thumbnails, f"{clip.video_id}/{clip.id}/"
    )
    change(
        library,
        clip.id,
        "deleted_at = now(), purge_at = now() + interval '14 days', bin_etag",
        etag,
    )
    clock.advance(seconds=QUIET.total_seconds())
    return clip


def change(library: Library, clip_id: UUID, assignments: str, value: object = None) -> None:
    """Changes the row of a clip without the app; the last column gets the value."""
    with library.services.database.transaction() as connection:
        statement = f"UPDATE clips SET {assignments} = %(value)s WHERE id = %(id)s"
        connection.execute(statement, {"id": clip_id, "value": value})


@pytest.mark.usefixtures("binned")
def test_clip_in_the_bin_gives_no_line(drift: Drift) -> None:
    assert drift.counts() == {}


def test_images_that_went_with_a_clip_give_no_line(
    drift: Drift, library: Library, binned: Clip, clock: SetClock
) -> None:
    for image in ("/poster.jpg", "_thumbnail.jpg"):
        library.upload(f"{binned.video_id}/{binned.id}{image}", b"x", kind="bin")
    clock.advance(seconds=QUIET.total_seconds())
    assert drift.counts() == {}


def test_lost_bytes_are_listed_and_left(drift: Drift, library: Library, binned: Clip) -> None:
    assert binned.blob_name is not None
    library.services.blobs.delete(library.containers.bin, binned.blob_name)
    line = drift.line(DriftKind.ROW_WITHOUT_BLOB)
    assert (line["container"], line["action"]) == (library.containers.bin, None)
    assert drift.repair(DriftKind.ROW_WITHOUT_BLOB) == {"left": 1}


def test_other_bytes_in_the_bin_are_listed(
    drift: Drift, library: Library, binned: Clip, film: bytes
) -> None:
    assert binned.blob_name is not None
    library.upload(binned.blob_name, film, kind="bin")
    assert drift.line(DriftKind.ETAG_DIFFERS)["action"] is None
    assert drift.repair(DriftKind.ETAG_DIFFERS) == {"left": 1}


def test_original_beside_the_copy_is_to_be_moved(
    drift: Drift, library: Library, binned: Clip, film: bytes
) -> None:
    assert binned.blob_name is not None
    library.upload(binned.blob_name, film)
    assert drift.line(DriftKind.DELETED_BUT_PRESENT)["action"] == "move_to_bin"


def test_purged_clip_with_bytes_in_the_bin_is_to_be_deleted(
    drift: Drift, library: Library, binned: Clip
) -> None:
    change(library, binned.id, "purge_at", None)
    assert drift.line(DriftKind.DELETED_BUT_PRESENT)["action"] == "delete"


def test_bytes_in_the_bin_without_a_clip_are_left(
    drift: Drift, library: Library, film: bytes, clock: SetClock
) -> None:
    library.upload(f"{library.video.id}/{uuid4()}.mp4", film, kind="bin")
    library.upload(f"{uuid4()}/{uuid4()}.mp4", film, kind="bin")
    clock.advance(seconds=QUIET.total_seconds())
    assert drift.counts() == {
        DriftKind.BLOB_WITHOUT_ROW: 1,
        DriftKind.BLOB_OF_UNKNOWN_VIDEO: 1,
    }
    assert drift.repair(*DriftKind) == {"left": 2}
    assert len(library.blobs("bin")) == 2


def test_copy_of_a_clip_that_is_not_in_the_bin_is_listed(
    drift: Drift, library: Library, film: bytes, clock: SetClock
) -> None:
    clip = library.landed(film)
    assert clip.blob_name is not None
    library.upload(clip.blob_name, film, kind="bin")
    clock.advance(seconds=QUIET.total_seconds())
    assert drift.line(DriftKind.BLOB_WITHOUT_ROW)["container"] == library.containers.bin
