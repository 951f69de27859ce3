"""The catalogue is rebuilt from the containers after its database was lost."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from clips.rebuild import command
from local import postgres
from shared.catalogue.rebuild.rebuild_queries import Rebuilding, Rows
from shared.model.clip import ClipStatus, ClipUpdate
from shared.model.user import Viewer
from shared.settings import Settings
from tests.integration.library import Library
from tests.integration.rebuilding import Installation, clip_sidecar, contents, settle
from tests.services import AllServices


@pytest.fixture
def installation(
    postgres_server: postgres.Server, template_database: str, settings: Settings
) -> Installation:
    return Installation(postgres_server, template_database, settings)


@pytest.fixture
def rebuilt(installation: Installation) -> Iterator[AllServices]:
    """The services on an empty database; composed, not yet rebuilt."""
    services = installation.lose_database().services()
    with services.database:
        yield services


def test_rebuild_restores_every_recorded_column(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    services = library.services
    bob = Library(services, "bob")
    ready = library.landed(film, title="A goal")
    assert ready.status is ClipStatus.READY
    announced = library.announce(title="To come")
    broken = library.landed(b"no film")
    foreign = bob.landed(film, title="Bob's")
    library.upload(f"{library.video.id}/by another tool.mp4", film, {"title": "Found"})
    services.ingest.landed(f"{library.video.id}/by another tool.mp4")
    soon = datetime.now(UTC) + timedelta(days=3)
    change = ClipUpdate(named=frozenset({"title", "expires_at"}), title="Ümläut", expires_at=soon)
    services.clips.change(library.viewer, ready.id, change)
    run(services, "UPDATE clips SET pinned = TRUE WHERE id = %(id)s", id=foreign.id)
    run(services, "UPDATE videos SET retention_days = 30 WHERE id = %(id)s", id=bob.video.id)
    put_into_bin(services, library.landed(film).id)
    library.upload(f"{library.video.id}.mp4", film, kind="videos")
    services.source_ingest.landed(f"{library.video.id}.mp4")
    order_cut(services, ready.id, library.video.id)
    settle(services)
    before = contents(services)

    report = installation.rebuild()

    assert contents(rebuilt) == before
    assert report.restored == {"videos": 2, "clips": 6, "sources": 1}
    assert (report.left_out_count, report.unknown_videos) == ({}, {})
    assert report.clip_states == {"ready": 3, "awaiting_upload": 1, "failed": 1, "in_bin": 1}
    assert announced.id != broken.id


def test_second_run_changes_nothing(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    library.landed(film)
    settle(library.services)
    installation.rebuild()
    before = contents(rebuilt)
    report = installation.rebuild()
    assert contents(rebuilt) == before
    assert report.restored == {}
    assert report.already_there == {"videos": 1, "clips": 1}
    assert rebuilt.sidecars._outbox.waiting(10) == 0


def test_dry_run_changes_nothing_and_shows_what_would_be_done(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    library.landed(film)
    library.upload(f"{library.video.id}/other.mp4", film)
    library.upload(f"{uuid4()}/stray.mp4", film)
    settle(library.services)
    stored = library.stored_blobs()
    report = installation.rebuild(dry_run=True)
    assert contents(rebuilt) == {table: {} for table in contents(rebuilt)}
    assert library.stored_blobs() == stored
    assert report.restored == {"videos": 1, "clips": 1}
    assert report.found == {"clips": 1}
    assert list(report.unknown_videos.values()) == [1]
    real = installation.rebuild()
    assert (real.restored, real.found) == (report.restored, report.found)
    assert real.unknown_videos == report.unknown_videos


def test_newer_row_is_not_overwritten_and_older_one_is(
    library: Library, film: bytes, installation: Installation
) -> None:
    services = library.services
    newer, older = library.landed(film), library.landed(film)
    settle(services)
    title(services, newer.id, "newer in the catalogue")
    # As a backup of before the sidecar was written has it.
    change = "UPDATE clips SET title = 'old', changed_at = %(at)s WHERE id = %(id)s"
    run(services, change, id=older.id, at=datetime(2020, 1, 1, tzinfo=UTC))
    title_before = library.clip(older.id).title
    report = installation.rebuild()
    assert library.clip(newer.id).title == "newer in the catalogue"
    assert title_before == "old"
    assert library.clip(older.id).title is None
    assert report.updated == {"clips": 1}


def test_partial_catalogue_gets_its_missing_rows(
    library: Library, film: bytes, installation: Installation
) -> None:
    services = library.services
    kept, lost = library.landed(film), library.landed(film, title="lost")
    settle(services)
    before = contents(services)
    forget(services, "DELETE FROM clips WHERE id = %(id)s", id=lost.id)
    report = installation.rebuild()
    assert contents(services) == before
    assert report.restored == {"clips": 1}
    assert library.clip(kept.id).status is ClipStatus.READY


def test_overwritten_blob_is_processed_by_the_ordinary_ingest(
    library: Library, film: bytes, longer_film: bytes, rebuilt: AllServices,
    installation: Installation,
) -> None:  # fmt: skip
    clip = library.landed(film, title="kept")
    settle(library.services)
    assert clip.blob_name is not None
    library.upload(clip.blob_name, longer_film)
    report = installation.rebuild()
    assert report.clip_states == {"processing": 1}
    rebuilt.ingest.landed(clip.blob_name)
    restored = rebuilt.clips.get(viewer(rebuilt, library), clip.id)
    assert restored is not None
    assert (restored.status, restored.title) == (ClipStatus.READY, "kept")


def test_missing_image_is_made_again(
    library: Library, film: bytes, installation: Installation
) -> None:
    clip = library.landed(film)
    settle(library.services)
    services = library.services
    services.blobs.delete(services.containers.thumbnails, clip.images.poster_name or "")
    assert installation.lose_database().rebuild().clip_states == {"processing": 1}


def test_clip_without_its_blob_is_restored_as_missing(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    clip = library.landed(film, title="gone")
    settle(library.services)
    library.services.blobs.delete(library.containers.clips, clip.blob_name or "")
    assert installation.rebuild().clip_states == {"without_blob": 1}
    restored = rebuilt.clips.get(viewer(rebuilt, library), clip.id)
    assert restored is not None
    assert restored.failure is not None
    assert (restored.title, restored.failure.code) == ("gone", "blob_missing")


def test_blobs_without_sidecars_become_clips_of_their_video(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    settle(library.services)
    clip_id = uuid4()
    library.upload(f"{library.video.id}/{clip_id}.mp4", film, {"title": "Noted", "start_time": "3"})
    library.upload(f"{library.video.id}/notes.txt.json", b"{}")
    report = installation.rebuild()
    assert report.found == {"clips": 1}
    restored = rebuilt.clips.get(viewer(rebuilt, library), clip_id)
    assert restored is not None
    assert (restored.title, restored.start_time) == ("Noted", 3.0)
    assert restored.status is ClipStatus.PROCESSING


def test_blobs_of_unknown_videos_become_clips_of_a_named_owner(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    strays = [uuid4(), uuid4()]
    for video_id in strays:
        library.upload(f"{video_id}/a.mp4", film)
        library.upload(f"{video_id}.mp4", film, kind="videos")
    assert set(installation.rebuild().unknown_videos) == set(strays)
    report = installation.rebuild(owner="carol")
    assert report.found == {"videos": 2, "clips": 2, "sources": 2}
    carol = Library(rebuilt, "carol")
    titles = {v.id: v.title for v in rebuilt.videos.page(carol.user.id, 10, None)}
    assert {titles[video_id] for video_id in strays} == {"Found"}
    assert installation.rebuild(owner="carol").found == {}


def test_user_who_signed_in_meanwhile_is_the_owner(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    clip = library.landed(film)
    settle(library.services)
    new_id = rebuilt.users.id_of("alice", None)
    assert new_id != library.user.id
    installation.rebuild()
    assert rebuilt.clips.get(viewer(rebuilt, library), clip.id) is not None


def test_user_of_the_old_service_is_still_recognised(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    services = library.services
    clip = library.landed(film)
    change = "UPDATE users SET subject = NULL, email = 'Alice@Example.org' WHERE id = %(id)s"
    run(services, change, id=library.user.id)
    settle(services)
    installation.rebuild()
    assert rebuilt.users.id_of("alice-new", "alice@example.org") == library.user.id
    assert rebuilt.clips.get(library.viewer, clip.id) is not None


def test_deleted_clip_does_not_return_while_its_sidecar_exists(
    library: Library, film: bytes, installation: Installation
) -> None:
    services = library.services
    gone = library.landed(film)
    settle(services)
    services.blobs.delete(library.containers.clips, gone.blob_name or "")
    run(services, "DELETE FROM clips WHERE id = %(id)s", id=gone.id)
    report = installation.rebuild()
    assert report.left_out_count == {"deleted": 1}
    assert library.clips() == []


def test_deletion_that_was_under_way_goes_on(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    doomed = library.landed(film)
    change = "UPDATE clips SET deleted_at = now() WHERE id = %(id)s"
    run(library.services, change, id=doomed.id)
    settle(library.services)
    assert installation.rebuild().clip_states == {"being_deleted": 1}
    assert rebuilt.clips.get(viewer(rebuilt, library), doomed.id) is None


def test_video_without_its_sidecar_is_made_from_those_of_its_clips(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    clip = library.landed(film)
    settle(library.services)
    library.services.blobs.delete(library.containers.thumbnails, f"{library.video.id}/video.json")
    report = installation.rebuild()
    assert report.restored == {"videos": 1, "clips": 1}
    assert rebuilt.clips.get(viewer(rebuilt, library), clip.id) is not None


def test_run_that_was_killed_is_continued(
    library: Library,
    rebuilt: AllServices,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clips.rebuild.restoring._BATCH", 2)
    for number in range(7):
        library.announce(title=str(number))
    settle(library.services)
    before = contents(library.services)
    writes = iter(range(100))
    restore = Rebuilding.restore

    def killed(self: Rebuilding, *rows: Rows) -> None:
        restore(self, *rows)
        if next(writes) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Rebuilding, "restore", killed)
        with pytest.raises(KeyboardInterrupt):
            installation.rebuild()
    assert 0 < len(contents(rebuilt)["clips"]) < 7
    report = installation.rebuild()
    assert contents(rebuilt) == before
    assert report.already_there["clips"] + report.restored["clips"] == 7


def test_service_that_runs_meanwhile_keeps_its_changes(
    library: Library, rebuilt: AllServices, installation: Installation
) -> None:
    """What is changed on the new database during a rebuild stays, and reaches the sidecars."""
    clips = [library.announce(title=f"old {number}") for number in range(6)]
    settle(library.services)
    installation.rebuild()
    stop = threading.Event()

    def serve() -> None:
        number = 0
        while not stop.is_set():
            clip = clips[number % len(clips)]
            title(rebuilt, clip.id, f"new {number}")
            rebuilt.sidecars.drain(1)
            number += 1

    service = threading.Thread(target=serve)
    service.start()
    try:
        for _ in range(3):
            installation.rebuild()
    finally:
        stop.set()
        service.join()
    settle(rebuilt)
    kept = contents(rebuilt)
    assert any(row["title"].startswith("new") for row in kept["clips"].values())
    assert installation.rebuild().updated == {}
    assert contents(rebuilt) == kept


def test_clips_of_a_video_in_the_bin_stay_with_it(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    clip = library.landed(film)
    change = (
        "UPDATE videos SET deleted_at = now(), purge_at = now() + interval '9 days' "
        "WHERE id = %(id)s"
    )
    run(library.services, change, id=library.video.id)
    settle(library.services)
    before = contents(library.services)
    assert installation.rebuild().clip_states == {"in_bin": 1}
    assert contents(rebuilt) == before
    assert rebuilt.clips.get(viewer(rebuilt, library), clip.id) is None


def test_clips_of_the_bin_are_restored_from_it_after_a_rebuild(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    services = library.services
    binned, purged = library.landed(film, title="binned"), library.landed(film)
    for clip in (binned, purged):
        services.bin.delete_clip(library.viewer, clip.id)
    services.bin.delete_clip(library.viewer, purged.id, permanent=True)
    library.clean_up()
    settle(services)
    assert not [name for name in library.blobs("thumbnails") if str(purged.id) in name]
    assert installation.rebuild().clip_states == {"in_bin": 1}
    owner = viewer(rebuilt, library)
    assert [clip.id for clip in rebuilt.bin.clips(owner, 10, None)] == [binned.id]
    rebuilt.bin.restore_clip(owner, binned.id)
    rebuilt.ingest.landed(binned.blob_name or "")
    restored = rebuilt.clips.get(owner, binned.id)
    assert restored is not None
    assert (restored.status, restored.title) == (ClipStatus.READY, "binned")


def test_video_of_the_bin_is_restored_from_it_after_a_rebuild(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation
) -> None:
    services = library.services
    clip = library.landed(film, title="went along")
    library.upload(f"{library.video.id}.mp4", film, kind="videos")
    services.source_ingest.landed(f"{library.video.id}.mp4")
    services.bin.delete_video(library.viewer, library.video.id)
    library.clean_up()
    settle(services)
    before = contents(services)
    installation.rebuild()
    assert contents(rebuilt) == before
    owner = viewer(rebuilt, library)
    rebuilt.bin.restore_video(owner, library.video.id)
    rebuilt.cleanup.run()
    rebuilt.ingest.landed(clip.blob_name or "")
    restored = rebuilt.clips.get(owner, clip.id)
    assert restored is not None
    assert restored.status is ClipStatus.READY
    assert library.blobs("videos") == {f"{library.video.id}.mp4"}


def test_command_reports_and_returns_its_exit_code(
    library: Library,
    installation: Installation,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    library.announce()
    settle(library.services)
    installation.lose_database()
    url = installation.settings.database_url.current()
    for name, value in (environment | {"DATABASE_URL": url}).items():
        monkeypatch.setenv(name, value)
    report = tmp_path / "report.json"
    assert command.main(["--dry-run", "--report", str(report)]) == command.DONE
    assert "nothing was changed" in capsys.readouterr().out
    assert json.loads(report.read_text())["restored"]["clips"] == 1
    library.upload(f"{uuid4()}/video.json", b"?", kind="thumbnails")
    assert command.main([]) == command.SOME_LEFT_OUT
    assert "left out, invalid: 1" in capsys.readouterr().out
    monkeypatch.setenv("AZURE_STORAGE_CONTAINER_NAME", "no-such-prefix")
    assert command.main([]) == command.OUT_OF_REACH
    assert "Run the command again" in capsys.readouterr().err


ABSURD = {
    "no JSON": b"\x00\xff{",
    "an array": b"[]",
    "too large": b'{"format": 1, "title": "' + b"x" * 300_000 + b'"}',
    "a NUL": b'{"format": 1, "title": "\\u0000"}',
    "another format": b'{"format": 99}',
    "nothing in it": b"",
    "deeply nested": b'{"format": 1, "media": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
}


@pytest.mark.parametrize("content", ABSURD.values(), ids=ABSURD.keys())
def test_absurd_sidecar_is_reported_and_the_rest_restored(
    library: Library, film: bytes, rebuilt: AllServices, installation: Installation, content: bytes
) -> None:
    clip = library.landed(film)
    settle(library.services)
    name = clip_sidecar(library.video.id, uuid4())
    library.upload(name, content, kind="thumbnails")
    report = installation.rebuild()
    assert [item.name for item in report.left_out] == [name]
    assert report.restored == {"videos": 1, "clips": 1}
    assert rebuilt.clips.get(viewer(rebuilt, library), clip.id) is not None


def viewer(services: AllServices, library: Library) -> Viewer:
    return Viewer(services.users.id_of(library.subject, None))


def run(services: AllServices, statement: str, **values: object) -> None:
    with services.database.transaction() as connection:
        connection.execute(statement, values)


def title(services: AllServices, clip_id: UUID, text: str) -> None:
    run(services, "UPDATE clips SET title = %(title)s WHERE id = %(id)s", id=clip_id, title=text)


def forget(services: AllServices, statement: str, **values: object) -> None:
    """Runs a statement without changing sidecars, as in an older copy of the database."""
    with services.database.transaction() as connection:
        connection.execute("SELECT set_config('cliplink.sidecars', 'stored', TRUE)")
        connection.execute(statement, values)


def put_into_bin(services: AllServices, clip_id: UUID) -> None:
    """Moves a clip into the bin, and records it, as the worker does."""
    row = services.database.one("SELECT blob_name FROM clips WHERE id = %(id)s", {"id": clip_id})
    assert row is not None
    name, containers = row["blob_name"], services.containers
    blob = services.blobs.get(containers.clips, name)
    data = services.blobs.reader(containers.clips, blob).read(0, blob.size)
    services.blobs.put(containers.bin, name, data, "video/mp4", replace=False)
    services.blobs.delete(containers.clips, name)
    run(
        services,
        "UPDATE clips SET deleted_at = now(), purge_at = now() + interval '14 days', "
        "bin_etag = %(etag)s WHERE id = %(id)s",
        id=clip_id,
        etag=services.blobs.get(containers.bin, name).etag,
    )


def order_cut(services: AllServices, clip_id: UUID, video_id: UUID) -> None:
    """The row of a cut that is finished."""
    run(
        services,
        "INSERT INTO cuts (clip_id, video_id, client_id, source_id, source_is_clip, source_blob, "
        "source_etag, accuracy, requested_start, requested_end, cut_start, cut_end, method, "
        "finished_at) VALUES (%(id)s, %(video)s, 'mine', %(video)s, FALSE, "
        "%(video)s::text || '.mp4', 'b', 'keyframe', 1, 2.5, 0.5, 2.5, 'packets', now())",
        id=clip_id,
        video=video_id,
    )
