"""No job deletes a blob of a video that the catalogue does not know: it may be the only copy.

A database that was emptied, or restored to an old day, must not empty the containers.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.errors import CliplinkError
from tests.conftest import SetClock
from tests.integration.library import Library

CONTAINERS = ("videos", "clips", "thumbnails", "bin")


def stored(library: Library) -> set[tuple[str, str]]:
    return {(kind, name) for kind in CONTAINERS for name in library.blobs(kind)}


def fill(library: Library, film: bytes) -> None:
    """Clips with their images, a source, and all other blobs that a video may have."""
    video_id = library.video.id
    for _ in range(2):
        library.landed(film)
    clip_id = uuid4()
    for kind in CONTAINERS:
        library.upload(f"{video_id}.mp4", film, kind=kind)
        library.upload(f"{video_id}/{clip_id}.mp4", film, kind=kind)
        library.upload(f"{video_id}/by another tool.mov", film, kind=kind)
        library.upload(f"{video_id}/empty.mp4", b"", kind=kind)
        past = {"expires_at": "2020-01-01T00:00:00Z"}
        library.upload(f"{video_id}/{clip_id}/poster.jpg", b"x", past, kind=kind)
    library.upload(f"{video_id}/{clip_id}/clip.json", b"{}", kind="thumbnails")
    library.upload(f"{video_id}/video.json", b"{}", kind="thumbnails")


def run_every_job(library: Library) -> None:
    """Runs every automatic deletion twice, hours apart, even if one fails."""
    services = library.services
    for _ in range(2):
        services.cleanup.run()
        for name in library.blobs("clips"):
            with suppress(CliplinkError):
                services.ingest.landed(name)
        for name in library.blobs("videos"):
            with suppress(CliplinkError):
                services.source_ingest.landed(name)


@pytest.fixture(autouse=True)
def later(clock: SetClock) -> None:
    clock.now = datetime.now(UTC) + timedelta(days=3)


def test_emptied_database_empties_no_container(library: Library, film: bytes) -> None:
    fill(library, film)
    before = stored(library)
    assert len(before) > 25
    library.services.database.run(
        """DO $$ BEGIN
               EXECUTE (SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ')
                        FROM pg_tables
                        WHERE schemaname = 'public' AND tablename <> '_yoyo_migration');
           END $$""",
        {},
    )
    run_every_job(library)
    assert stored(library) == before


def test_video_that_is_absent_from_an_old_database_keeps_its_blobs(
    library: Library, film: bytes
) -> None:
    """Another video beside it is deleted in the regular way."""
    other = Library(library.services, "bob")
    fill(library, film)
    before = stored(library)
    fill(other, film)
    theirs = {clip.blob_name for clip in other.clips()}
    library.services.database.run(
        "DELETE FROM clips WHERE video_id = %(id)s", {"id": library.video.id}
    )
    library.services.database.run("DELETE FROM videos WHERE id = %(id)s", {"id": library.video.id})
    # An old database knows nothing of changes that came later.
    library.services.database.run("DELETE FROM sidecar_outbox", {})
    library.services.database.run("UPDATE videos SET deleted_at = now()", {})
    run_every_job(library)
    assert before <= stored(library)
    assert not theirs & library.blobs()


def test_blob_of_another_tool_under_a_forgotten_video_stays(library: Library, film: bytes) -> None:
    """The record of a deleted clip covers only the names of that clip."""
    clip = library.landed(film)
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    library.services.database.run("UPDATE videos SET deleted_at = now()", {})
    library.services.cleanup.run()
    assert clip.blob_name is not None
    again, stray = clip.blob_name, f"{clip.video_id}/by another tool.mp4"
    library.upload(again, film)
    library.upload(stray, film)
    run_every_job(library)
    assert library.blobs() == {stray}
