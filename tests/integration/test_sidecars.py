"""Sidecars follow their rows, whichever code changes them, and never return to older content."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from clips.sidecars.daily_pass import SidecarCheck
from clips.sidecars.writer import SidecarBlobs, SidecarWriter
from shared.catalogue.sidecars.sidecar_pass_queries import SidecarPass
from shared.catalogue.sidecars.sidecar_queries import SidecarOutbox
from shared.errors import StorageUnavailable
from shared.model.clip import Clip, ClipUpdate
from shared.storage.sdk.blobs import Blobs
from tests.integration.library import Library
from tests.integration.rebuilding import clip_sidecar, settle, stored_sidecar
from tests.services import AllServices

# Columns of which a sidecar says nothing, with the reason why.
LEFT_OUT = {
    "clips": {
        "changed_at": "it is recorded as the revision",
        "id": "it never changes",
        "blob_url": "follows from blob_name and the account",
        "thumbnail_url": "follows from poster_name and the account",
        "own_thumbnail_url": "follows from own_thumbnail and the account",
        "attempts": "of processing, which begins anew",
        "attempted_at": "the same",
        "view_count": "changes with every view",
        "archived": "storage tells",
        "rendition_attempts": "of a worker",
        "rendition_leased_until": "of a worker",
        "next_try_at": "of a worker",
        "bin_owner": "follows from the video",
        "retention_from": "a rebuild gives all clips a week",
        "bin_etag": "storage tells",
    },
    "sources": {
        "changed_at": "it is recorded as the revision",
        "video_id": "it never changes",
        "attempts": "of processing, which begins anew",
        "attempted_at": "the same",
        "bin_etag": "storage tells",
    },
    "videos": {
        "changed_at": "it is recorded as the revision",
        "id": "it never changes",
        "next_try_at": "of a worker",
        "retention_from": "set by a trigger, a week ahead",
    },
}


@dataclass
class Interrupted:
    """Real storage that calls a function before a sidecar is written."""

    blobs: Blobs
    before_put: Callable[[], object]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the blobs have
        return getattr(self.blobs, name)

    def put(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - passed on
        self.before_put()
        self.blobs.put(*arguments, **named)


def late_writer(services: AllServices, before_put: Callable[[], object]) -> SidecarWriter:
    """A worker that stalls between reading a row and writing its sidecar."""
    blobs: SidecarBlobs = Interrupted(services.blobs, once(before_put))
    return SidecarWriter(blobs, services.containers, SidecarOutbox(services.database))


def once(action: Callable[[], object]) -> Callable[[], object]:
    done: list[bool] = []

    def first() -> object:
        if done:
            return None
        done.append(True)
        return action()

    return first


def title_of(library: Library, clip_id: object) -> str | None:
    found = stored_sidecar(library.services, f"{library.video.id}/{clip_id}/clip.json")
    return None if found is None else found["title"]


@pytest.mark.parametrize("table", LEFT_OUT)
def test_every_column_is_recorded_or_left_out_for_a_reason(
    services: AllServices, table: str
) -> None:
    """A new column fails here until it is decided: in the trigger, the query and the record."""
    with services.database.transaction() as connection:
        columns = connection.execute(
            "SELECT attname::text AS name FROM pg_attribute "
            "WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped",
            {"table": table},
        ).fetchall()
        trigger = connection.execute(
            "SELECT pg_get_triggerdef(oid) AS text FROM pg_trigger WHERE tgname = %(name)s",
            {"name": f"{table}_note_change"},
        ).fetchone()
    assert trigger is not None
    noted = {c["name"] for c in columns if f"new.{c['name']}" in trigger["text"]}
    assert {c["name"] for c in columns} == noted | LEFT_OUT[table].keys()
    assert noted.isdisjoint(LEFT_OUT[table])


def test_change_of_a_recorded_column_reaches_the_sidecar(library: Library, film: bytes) -> None:
    clip = library.landed(film, title="first")
    settle(library.services)
    name = clip_sidecar(library.video.id, clip.id)
    before = stored_sidecar(library.services, name)
    assert before is not None
    assert before["owner"] == {
        "user_id": str(library.user.id),
        "subject": "alice",
        "email": None,
    }
    update = ClipUpdate(named=frozenset({"title"}), title="second")
    library.services.clips.change(library.viewer, clip.id, update)
    settle(library.services)
    after = stored_sidecar(library.services, name)
    assert after == before | {"title": "second", "changed_at": after and after["changed_at"]}
    assert after["changed_at"] > before["changed_at"]


def test_views_write_no_sidecar(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    settle(library.services)
    library.services.view_log.add(library.viewer, library.video.id, clip.id)
    assert library.services.sidecars._outbox.waiting(10) == 0


def test_processing_a_clip_again_keeps_its_sidecar(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    settle(library.services)
    library.services.ingest._images.remove(library.video.id, clip.id)
    names = [name for name in library.blobs("thumbnails") if str(clip.id) in name]
    assert names == [clip_sidecar(library.video.id, clip.id)]


def test_deleted_row_takes_its_sidecar_along(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    settle(library.services)
    execute(library.services, "DELETE FROM clips WHERE id = %(id)s", id=clip.id)
    execute(library.services, "DELETE FROM videos WHERE id = %(id)s", id=library.video.id)
    settle(library.services)
    assert not [name for name in library.blobs("thumbnails") if name.endswith(".json")]


def test_late_worker_does_not_overwrite_newer_content(library: Library) -> None:
    services = library.services
    clip = library.announce(title="old")
    settle(services)
    set_title(services, clip.id, "older")

    def another_worker() -> None:
        set_title(services, clip.id, "newest")
        execute(services, "UPDATE sidecar_outbox SET taken_until = NULL")
        settle(services)

    late_writer(services, another_worker).drain(5)
    assert title_of(library, clip.id) == "newest"
    settle(services)
    assert title_of(library, clip.id) == "newest"


def test_late_worker_does_not_bring_back_the_sidecar_of_a_deleted_row(library: Library) -> None:
    services = library.services
    settle(services)
    clip = library.announce()

    def deletion() -> None:
        execute(services, "DELETE FROM clips WHERE id = %(id)s", id=clip.id)
        execute(services, "UPDATE sidecar_outbox SET taken_until = NULL")
        settle(services)

    late_writer(services, deletion).drain(5)
    settle(services)
    assert stored_sidecar(services, clip_sidecar(library.video.id, clip.id)) is None


def test_worker_that_dies_loses_nothing(library: Library) -> None:
    services = library.services
    clip = library.announce(title="kept")

    def die() -> None:
        raise KeyboardInterrupt

    writer = late_writer(services, die)
    with pytest.raises(KeyboardInterrupt):
        writer.drain(5)
    execute(services, "UPDATE sidecar_outbox SET taken_until = now()")  # the lease ends
    settle(services)
    assert title_of(library, clip.id) == "kept"


def test_outage_leaves_the_entries(library: Library) -> None:
    services = library.services
    clip = library.announce(title="kept")

    def outage() -> None:
        raise StorageUnavailable("away")

    tally = late_writer(services, outage).drain(5)
    assert len(tally.outages) == 1
    execute(services, "UPDATE sidecar_outbox SET taken_until = now()")
    settle(services)
    assert title_of(library, clip.id) == "kept"


def test_two_workers_share_the_work(library: Library) -> None:
    services = library.services
    clips = [library.announce(title=str(number)) for number in range(30)]
    threads = [threading.Thread(target=services.sidecars.drain, args=(20,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert services.sidecars._outbox.waiting(10) == 0
    assert {title_of(library, clip.id) for clip in clips} == {str(n) for n in range(30)}


def test_sidecar_that_is_newer_than_its_row_stays(library: Library) -> None:
    """The database was restored from a backup: the sidecar knows what it has lost."""
    services = library.services
    clip = library.announce(title="after the backup")
    settle(services)
    execute(
        services,
        "UPDATE clips SET title = 'of the backup', changed_at = now() - interval '1 day' "
        "WHERE id = %(id)s",
        id=clip.id,
    )
    settle(services)
    assert title_of(library, clip.id) == "after the backup"


def test_daily_pass_finds_what_the_outbox_cannot_know(library: Library) -> None:
    services = library.services
    lost, changed, fine = (library.announce(title=title) for title in ("lost", "changed", "fine"))
    settle(services)
    services.blobs.delete(library.containers.thumbnails, clip_sidecar(library.video.id, lost.id))
    library.upload(clip_sidecar(library.video.id, changed.id), b"{}", kind="thumbnails")
    assert services.sidecar_check.run(30) == 2
    settle(services)
    titles = [title_of(library, clip.id) for clip in (lost, changed, fine)]
    assert titles == ["lost", "changed", "fine"]
    assert services.sidecar_check.run(30) == 0  # once a day


def test_daily_pass_never_deletes(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    """An empty database must not take the sidecars along."""
    services = library.services
    clip = library.announce()
    settle(services)
    execute(services, "TRUNCATE clips, videos, sources, sidecar_outbox CASCADE")
    before = library.blobs("thumbnails")
    assert services.sidecar_check.run(30) == 0
    settle(services)
    assert library.blobs("thumbnails") == before
    assert clip_sidecar(library.video.id, clip.id) in before
    assert "2 have no row" in caplog.text


def test_daily_pass_goes_on_where_it_was(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    services = library.services
    monkeypatch.setattr("shared.storage.listing.PAGE", 3)
    monkeypatch.setattr("clips.sidecars.daily_pass._ROWS", 4)
    videos = [Library(services, f"user {number}") for number in range(4)]
    clips = [(each, each.announce(title="x")) for each in videos for _ in range(3)]
    settle(services)
    for each, clip in clips[::2]:
        services.blobs.delete(library.containers.thumbnails, clip_sidecar(each.video.id, clip.id))
    check = SidecarCheck(
        services.blobs,
        services.containers,
        SidecarOutbox(services.database),
        SidecarPass(services.database),
    )
    queued = runs = 0
    while SidecarPass(services.database).state(timedelta(days=1)).due:
        queued += check.run(0.000001)
        runs += 1
        assert runs < 100
    assert (queued, runs > 3) == (6, True)
    settle(services)
    for each, clip in clips:
        assert stored_sidecar(services, clip_sidecar(each.video.id, clip.id)) is not None


def test_new_subject_of_an_old_user_reaches_the_sidecar(library: Library) -> None:
    services = library.services
    execute(services, "UPDATE users SET subject = NULL, email = 'a@example.org'")
    settle(services)
    name = f"{library.video.id}/video.json"
    assert owner(services, name)["email"] == "a@example.org"
    execute(services, "UPDATE users SET subject = 'known'")
    settle(services)
    assert owner(services, name) == {
        "user_id": str(library.user.id),
        "subject": "known",
        "email": None,
    }


def test_old_address_is_recorded_without_its_secrets(library: Library) -> None:
    services = library.services
    clip = library.announce()
    address = "https://key:secret@old.example.org/clips/a.mp4?X-Amz-Signature=abc#x"
    execute(services, "UPDATE clips SET s3_url = %(url)s", url=address)
    settle(services)
    found = stored_sidecar(services, clip_sidecar(library.video.id, clip.id))
    assert found is not None
    assert found["s3_url"] == "https://old.example.org/clips/a.mp4"


def test_cleanup_writes_sidecars(library: Library) -> None:
    clip = library.announce(title="by the cleanup")
    library.clean_up()
    assert title_of(library, clip.id) == "by the cleanup"


def test_landing_writes_the_sidecars_of_its_clip_and_video(library: Library, film: bytes) -> None:
    other = library.announce(title="another")
    clip = library.landed(film, title="by the trigger")
    execute(library.services, "UPDATE clips SET rendition_state = NULL")
    library.services.sidecars.after_landing(clip.blob_name or "")
    assert title_of(library, clip.id) == "by the trigger"
    assert stored_sidecar(library.services, f"{library.video.id}/video.json") is not None
    assert sidecar_of(library, other) is None


@pytest.mark.parametrize(
    "unsettled",
    ["status = 'processing'", "status = 'awaiting_upload'", "rendition_state = 'queued'"],
)
def test_clip_that_is_about_to_change_gets_its_sidecar_later(
    library: Library, film: bytes, unsettled: str
) -> None:
    services = library.services
    clip = library.landed(film)
    execute(services, f"UPDATE clips SET {unsettled}")
    services.sidecars.after_landing(clip.blob_name or "")
    assert sidecar_of(library, clip) is None
    execute(services, "UPDATE clips SET status = 'ready', rendition_state = 'failed'")
    services.sidecars.after_rendition(clip.id)
    found = sidecar_of(library, clip)
    assert found is not None
    assert found["rendition_state"] == "failed"
    assert SidecarOutbox(services.database).take_of_unchanging(timedelta(0), clip_id=clip.id) == []


def sidecar_of(library: Library, clip: Clip) -> Mapping[str, Any] | None:
    return stored_sidecar(library.services, clip_sidecar(clip.video_id, clip.id))


def set_title(services: AllServices, clip_id: object, title: str) -> None:
    execute(services, "UPDATE clips SET title = %(t)s WHERE id = %(id)s", id=clip_id, t=title)


def execute(services: AllServices, statement: str, **values: object) -> None:
    with services.database.transaction() as connection:
        connection.execute(statement, values)


def owner(services: AllServices, name: str) -> Mapping[str, Any]:
    found = stored_sidecar(services, name)
    assert found is not None
    of: Mapping[str, Any] = found["owner"]
    return of
