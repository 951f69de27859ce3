"""A blob whose row the catalogue has lost, as after the restore of an older backup, is ingested."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared import blob_names
from shared.model.clip import Clip, ClipStatus, ClipUpdate
from shared.model.sidecar import SidecarKey, SidecarKind
from tests.integration.library import Library
from tests.integration.rebuilding import settle

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)


@pytest.fixture
def clip(library: Library, film: bytes) -> Clip:
    """Has a title, an expiry, a pin and times of its own, and a sidecar; its row is lost."""
    made = library.landed(film, title="A goal")
    change = ClipUpdate(named=frozenset({"expires_at", "pinned"}), expires_at=SOON, pinned=True)
    library.services.clips.change(library.viewer, made.id, change)
    settle(library.services)
    found = library.clip(made.id)
    lose(library, found)
    return found


def lose(library: Library, clip: Clip) -> None:
    """Deletes the row and every record of it."""
    for statement in (
        "DELETE FROM clips WHERE id = %(id)s",
        "DELETE FROM sidecar_outbox WHERE TRUE",
    ):
        library.services.database.run(statement, {"id": clip.id})


def sidecar_name(clip: Clip) -> str:
    return blob_names.sidecar(SidecarKey(SidecarKind.CLIP, clip.video_id, clip.id))


def rewrite(library: Library, clip: Clip, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the content of a sidecar."""
    content = json.loads(library.read("thumbnails", sidecar_name(clip)) or b"")
    change(content)
    library.upload(sidecar_name(clip), json.dumps(content).encode(), kind="thumbnails")


def ingested(library: Library, clip: Clip) -> Clip:
    library.services.ingest.landed(str(clip.blob_name))
    (found,) = library.clips()
    assert (found.status, found.blob_name) == (ClipStatus.READY, clip.blob_name)
    return found


def test_lost_clip_is_restored_as_its_sidecar_says(library: Library, clip: Clip) -> None:
    found = ingested(library, clip)
    assert found.id == clip.id
    assert (found.title, found.expires_at, found.pinned) == ("A goal", SOON, True)
    assert (found.start_time, found.end_time) == (clip.start_time, clip.end_time)
    assert found.created_at == clip.created_at
    assert library.images_of(found) <= library.blobs("thumbnails")
    settle(library.services)
    assert sidecar_name(clip) in library.blobs("thumbnails")


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "of another clip": lambda c: c.update(id=str(uuid4())),
    "of another video": lambda c: c.update(video_id=str(uuid4())),
    "of another owner": lambda c: c["owner"].update(subject="mallory"),
    "of another user without a subject": lambda c: c["owner"].update(
        subject=None, user_id=str(uuid4())
    ),
    "of another blob": lambda c: c.update(blob_name=f"{c['video_id']}/{uuid4()}.mp4"),
    "of a newer version": lambda c: c.update(format=99),
    "not valid": lambda c: c.update(start_time="soon"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_sidecar_that_does_not_fit_is_not_used(
    library: Library, clip: Clip, change: Callable[[dict[str, Any]], object]
) -> None:
    rewrite(library, clip, change)
    found = ingested(library, clip)
    assert (found.title, found.expires_at, found.pinned) == (None, None, False)


def test_blob_without_a_sidecar_becomes_a_clip_all_the_same(library: Library, clip: Clip) -> None:
    library.services.blobs.delete(library.containers.thumbnails, sidecar_name(clip))
    assert ingested(library, clip).title is None


def test_sidecar_of_a_deleted_clip_restores_nothing(library: Library, film: bytes) -> None:
    clip = library.landed(film, title="A goal")
    settle(library.services)
    content = library.read("thumbnails", sidecar_name(clip))
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    settle(library.services)
    library.upload(sidecar_name(clip), content or b"", kind="thumbnails")
    library.upload(str(clip.blob_name), film)
    library.services.ingest.landed(str(clip.blob_name))
    assert library.clips() == []
    assert library.blobs() == set()


def test_lost_clip_that_was_in_the_bin_returns_to_the_bin(library: Library, film: bytes) -> None:
    """Its blob was in place when the backup was made, and is so again by another tool."""
    clip = library.landed(film, title="A goal")
    library.services.bin.delete_clip(library.viewer, clip.id)
    settle(library.services)
    lose(library, clip)
    library.upload(str(clip.blob_name), film)
    library.services.ingest.landed(str(clip.blob_name))
    assert library.clips() == []
    library.clean_up()
    assert (library.blobs(), library.blobs("bin")) == (set(), {clip.blob_name})
    (shown,) = library.services.bin.clips(library.viewer, 10, None)
    assert (shown.id, shown.title) == (clip.id, "A goal")
