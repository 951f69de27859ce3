"""Deleted clips are hidden at once and removed later; the cleanup finishes after a crash."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import psycopg
import pytest
from psycopg import sql

from clips.ingest.image_writer import ImageWriter
from local import azurite, postgres
from local.ports import free_port
from shared.catalogue.bin.deletion_queries import Deletions
from shared.catalogue.bin.video_deletion_queries import VideoDeletions
from shared.catalogue.ingest.claims import Claim
from shared.catalogue.ingest.landing_queries import Landings
from shared.catalogue.upkeep import upkeep_queries as upkeep
from shared.errors import CliplinkError, DatabaseUnavailable, NotFound, StorageUnavailable
from shared.media.pictures.stills import Stills
from shared.model.blob import Blob
from shared.model.clip import Clip, ClipStatus, Images
from shared.settings import from_mapping
from shared.storage.sdk.blobs import Blobs
from tests import storage_proxy
from tests.e2e.app import wait_for
from tests.integration.library import Library
from tests.services import AllServices, compose_all


class _Interrupted(BaseException):
    """Simulates the end of the process: no code of the app may catch it."""


def _die(*_: object, **__: object) -> None:
    raise _Interrupted


def _outage(*_: object, **__: object) -> None:
    raise StorageUnavailable("away")


def rows(services: AllServices, table: str) -> int:
    found = services.database.one(f"SELECT count(*) AS n FROM {table}", {})
    assert found is not None
    return int(found["n"])


def test_deleted_clip_leaves_no_blob_and_no_row(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    assert library.clips() == []
    assert library.everything_stored() == set()
    assert rows(library.services, "clips") == 0


def test_other_clips_stay(library: Library, film: bytes) -> None:
    clip, other = library.landed(film), library.landed(film)
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    assert library.clips() == [other]
    assert library.blobs() == {other.blob_name}
    assert library.blobs("thumbnails") == library.images_of(other)


def test_clip_can_be_deleted_once_and_by_its_owner_only(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    mallory = Library(library.services, "mallory")
    with pytest.raises(NotFound):
        library.services.bin.delete_clip(mallory.viewer, clip.id, permanent=True)
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    with pytest.raises(NotFound):
        library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)


def test_clip_without_a_blob_is_deleted_too(library: Library) -> None:
    clip = library.announce()
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    assert library.clips() == []
    assert rows(library.services, "clips") == 0


def test_thumbnails_of_the_old_service_go_too(library: Library, film: bytes) -> None:
    clip = library.landed(film)
    library.upload(f"{clip.video_id}/{clip.id}_thumbnail.png", b"old", kind="thumbnails")
    library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    assert library.everything_stored() == set()


@pytest.mark.parametrize("step", ["delete", "delete_prefix", "forget_clips"])
def test_crash_at_any_step_is_finished_by_the_cleanup(
    library: Library, film: bytes, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = library.landed(film)
    owner = Deletions if step == "forget_clips" else type(library.services.blobs)
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, _die)
        with pytest.raises(_Interrupted):
            library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    assert library.clips() == [], "hidden at once"
    assert library.clean_up()["deleted"] == 1
    assert library.everything_stored() == set()
    assert rows(library.services, "clips") == 0


def test_deletion_succeeds_for_the_owner_during_an_outage_of_storage(
    library: Library, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = library.landed(film)
    with monkeypatch.context() as patch:
        patch.setattr(type(library.services.blobs), "delete_prefix", _outage)
        library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    assert library.clips() == []
    library.clean_up()
    assert library.everything_stored() == set()


def test_deleted_video_takes_its_clips_along(library: Library, film: bytes) -> None:
    library.landed(film)
    library.landed(film)
    library.announce()
    library.upload(f"{library.video.id}/not-processed-yet.mp4", film)
    library.upload(f"{library.video.id}.mp4", film, kind="videos")
    other = Library(library.services, "bob")
    kept = other.landed(film)
    library.services.bin.delete_video(library.viewer, library.video.id, permanent=True)
    assert library.services.videos.get(library.viewer, library.video.id) is None
    assert library.blobs("clips") == {kept.blob_name}
    assert library.blobs("thumbnails") == library.images_of(kept)
    assert library.blobs("videos") == set()
    assert rows(library.services, "videos") == 1
    assert rows(library.services, "clips") == 1


def test_clip_is_not_made_under_a_video_that_is_being_deleted(
    library: Library, database_url: str
) -> None:
    """The later of the two waits for the earlier one."""
    services = library.services
    made: list[bool] = []

    def announce() -> None:
        try:
            library.announce()
        except AssertionError:
            made.append(False)
        else:
            made.append(True)

    with psycopg.connect(database_url) as connection:
        hide = "UPDATE videos SET deleted_at = now() WHERE id = %(id)s"
        connection.execute(hide, {"id": library.video.id})
        caller = threading.Thread(target=announce)
        caller.start()
        waiting = """SELECT 1 FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'"""
        wait_for(lambda: services.database.one(waiting, {}), "the caller to wait")
        assert made == []
    caller.join()
    assert made == [False]


@pytest.mark.parametrize("call", [1, 2, 3])
def test_crash_while_a_video_is_deleted_is_finished_by_the_cleanup(
    library: Library, film: bytes, call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.landed(film)
    delete_prefix = type(library.services.blobs).delete_prefix
    calls = 0

    def die_at(
        self: Blobs,
        container: str,
        prefix: str,
        may_go_on: Callable[[], bool] = lambda: True,
        keep: Callable[[str], bool] = lambda _name: False,
    ) -> int:
        nonlocal calls
        calls += 1
        if calls == call:
            raise _Interrupted
        return delete_prefix(self, container, prefix, may_go_on, keep=keep)

    with monkeypatch.context() as patch:
        patch.setattr(type(library.services.blobs), "delete_prefix", die_at)
        with pytest.raises(_Interrupted):
            library.services.bin.delete_video(library.viewer, library.video.id, permanent=True)
    assert library.services.videos.get(library.viewer, library.video.id) is None
    assert library.clean_up()["deleted"] == 1
    assert library.everything_stored() == set()
    assert (rows(library.services, "videos"), rows(library.services, "clips")) == (0, 0)


def uploaded(library: Library, film: bytes) -> tuple[Clip, str]:
    """A clip whose bytes have been uploaded and not yet processed, and the name of its blob."""
    clip = library.announce()
    assert clip.blob_name is not None
    library.upload(clip.blob_name, film)
    return clip, clip.blob_name


def test_image_written_by_a_late_run_is_swept_away(
    library: Library, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trigger runs while the clip is deleted, and dies after writing the poster."""
    clip, name = uploaded(library, film)

    def deleted_meanwhile(*_: object) -> None:
        library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
        library.upload(f"{clip.video_id}/{clip.id}/poster.jpg", b"late", kind="thumbnails")
        raise _Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(ImageWriter, "write", deleted_meanwhile)
        with pytest.raises(_Interrupted):
            library.services.ingest.landed(name)
    assert library.blobs("thumbnails") != set()
    assert library.services.cleanup.run()["deletions_swept"] == 0, "too early to be certain"
    _make_sweep_due(library.services)
    assert library.services.cleanup.run()["deletions_swept"] == 1
    assert library.everything_stored() == set()
    assert library.services.cleanup.run()["deletions_swept"] == 0, "once"


@pytest.mark.parametrize("permanent", [True, False])
def test_late_run_removes_the_images_that_it_wrote_for_a_deleted_clip(
    library: Library, film: bytes, monkeypatch: pytest.MonkeyPatch, *, permanent: bool
) -> None:
    clip, name = uploaded(library, film)
    write = ImageWriter.write

    def write_after_deletion(images: ImageWriter, claim: Claim, stills: Stills) -> Images:
        library.services.bin.delete_clip(library.viewer, clip.id, permanent=permanent)
        written = write(images, claim, stills)
        assert library.blobs("thumbnails") != set()
        return written

    with monkeypatch.context() as patch:
        patch.setattr(ImageWriter, "write", write_after_deletion)
        library.services.ingest.landed(name)
    assert library.blobs("thumbnails") == set()


def test_late_run_leaves_the_images_of_a_clip_that_was_restored_meanwhile(
    library: Library, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, name = uploaded(library, film)
    remove = ImageWriter.remove_if_deleted

    def restored_meanwhile(images: ImageWriter, claim: Claim) -> None:
        patch.undo()
        library.services.bin.restore_clip(library.viewer, clip.id)
        library.services.ingest.landed(name)
        remove(images, claim)

    def delete_at_publication(*_: object) -> bool:
        library.services.bin.delete_clip(library.viewer, clip.id)
        return False

    with monkeypatch.context() as patch:
        patch.setattr(ImageWriter, "remove_if_deleted", restored_meanwhile)
        patch.setattr(Landings, "publish", delete_at_publication)
        library.services.ingest.landed(name)
    assert library.clips()[0].status is ClipStatus.READY
    assert len(library.blobs("thumbnails")) > 1


def test_sweep_keeps_a_blob_whose_name_is_used_again(library: Library, film: bytes) -> None:
    name = f"{library.video.id}/take.mp4"
    for _ in range(2):
        library.upload(name, film)
        library.services.ingest.landed(name)
        if rows(library.services, "deleted_clips") == 0:
            library.services.bin.delete_clip(library.viewer, library.clips()[0].id, permanent=True)
    _make_sweep_due(library.services)
    assert library.services.cleanup.run()["deletions_swept"] == 1
    assert library.blobs() == {name}


def _make_sweep_due(services: AllServices) -> None:
    services.database.run("UPDATE deleted_clips SET sweep_after = now()", {})


def test_blob_that_cannot_be_deleted_does_not_stop_others(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [library.landed(b"no film") for _ in range(3)]
    stuck = clips[1].blob_name
    delete = Blobs.delete

    def refuse(self: Blobs, container: str, name: str) -> bool:
        if name == stuck:
            raise StorageUnavailable("It will not go.")
        return delete(self, container, name)

    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "delete", refuse)
        for clip in clips:
            library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
        assert library.blobs() == {stuck}
        with pytest.raises(StorageUnavailable):
            library.clean_up()
    library.clean_up()
    assert library.everything_stored() == set()


class TestManyBlobs:
    """A video with more blobs than a caller can wait for."""

    BLOBS = 12

    @pytest.fixture(autouse=True)
    def many(self, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shared.storage.sdk.blobs._DELETE_BATCH", 4)
        with ThreadPoolExecutor(8) as pool:
            for number in range(self.BLOBS):
                name = f"{library.video.id}/{number:05}.webp"
                pool.submit(library.upload, name, b"x", None, "thumbnails")

    def test_call_answers_in_time_and_the_cleanup_finishes(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("clips.bin.bin._CALLER_WAITS", 0.001)
        library.services.bin.delete_video(library.viewer, library.video.id, permanent=True)
        left = len(library.blobs("thumbnails"))
        assert 0 < left <= self.BLOBS, "one batch at the most"
        assert library.services.videos.get(library.viewer, library.video.id) is None
        assert library.clean_up()["deleted"] == 1
        assert (library.everything_stored(), rows(library.services, "videos")) == (set(), 0)

    def test_cleanup_that_runs_out_of_time_continues_in_the_next_run(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        library.services.bin_rows.hide_video(library.viewer, library.video.id, permanent=True)
        with monkeypatch.context() as patch:
            patch.setattr("clips.bin.worker._WORKING_SECONDS", 0.001)
            library.make_due()
            message = str(library.video.id)
            assert library.services.deletions.work(message) == [message]
        assert library.blobs("thumbnails")
        assert library.clean_up()["deleted"] == 1
        assert library.everything_stored() == set()

    def test_names_are_not_kept_in_memory(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are listed page by page, and each page is deleted before the next is read."""
        monkeypatch.setattr("shared.storage.listing.PAGE", 4)
        steps: list[str] = []
        pages, delete = Blobs.pages, Blobs._delete_batch

        def listed(self: Blobs, *given: str) -> Iterator[list[Blob]]:
            for page in pages(self, *given):
                steps.append(f"listed {len(page)}")
                yield page

        def deleted(self: Blobs, container: str, names: Sequence[str]) -> list[CliplinkError]:
            steps.append("deleted")
            return delete(self, container, names)

        monkeypatch.setattr(Blobs, "pages", listed)
        monkeypatch.setattr(Blobs, "_delete_batch", deleted)
        assert library.services.blobs.delete_prefix(library.containers.thumbnails, "") == self.BLOBS
        assert steps == ["listed 4", "deleted"] * 3


class TestHeldBlobs:
    """A legal hold or an immutability policy: storage answers 409 to DELETE."""

    @pytest.fixture
    def held(
        self,
        environment: dict[str, str],
        azurite_account: azurite.Account,
    ) -> Iterator[tuple[Library, set[str]]]:
        """A library whose storage keeps the blobs with these names."""
        names: set[str] = set()

        def gate(method: str, path: str) -> int | None:
            kept = method == "DELETE" and any(name in unquote(path) for name in names)
            return 409 if kept else None

        port = free_port()
        text = environment["AZURE_STORAGE_CONNECTION_STRING"]
        through = text.replace(f":{azurite_account.blob_port}/", f":{port}/")
        services = compose_all(
            from_mapping(environment | {"AZURE_STORAGE_CONNECTION_STRING": through})
        )
        with (
            storage_proxy.running(port, azurite_account.blob_port, gate=gate),
            services.database,
        ):
            yield Library(services), names

    def test_clip_is_hidden_and_every_other_one_is_deleted(
        self, held: tuple[Library, set[str]], film: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        library, names = held
        clips = [library.landed(film) for _ in range(3)]
        kept = clips[1].blob_name
        assert kept is not None
        names.add(kept)
        for clip in clips:
            library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
        assert library.clips() == []
        assert library.blobs() == {kept}
        assert "A policy prevents the deletion" in caplog.text
        caplog.clear()
        caplog.set_level("INFO")
        assert library.clean_up()["deleted"] == 0
        assert caplog.text.count(f"tried again: clip {clips[1].id}") == 1
        names.clear()
        assert library.clean_up()["deleted"] == 1
        assert library.everything_stored() == set()


@pytest.mark.parametrize("step", ["abandoned_uploads", "purge", "known_blobs", "pages"])
def test_step_that_raises_does_not_stop_the_others(
    library: Library, step: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    owners = {"pages": Blobs, "purge": VideoDeletions}
    owner = owners.get(step, upkeep.Upkeep)
    whole = set(library.services.cleanup.run())
    library.upload(f"{library.video.id}.mp4", b"x", kind="videos")
    library.services.bin_rows.hide_video(library.viewer, library.video.id, permanent=True)
    caplog.set_level("INFO")
    monkeypatch.setattr(owner, step, fault)
    assert set(library.services.cleanup.run()) == whole
    assert "Cleanup done" in caplog.text
    assert "outages=0" in caplog.text
    assert re.search("failures=[1-9]", caplog.text)
    assert "An item failed and will be tried again: cleanup step" in caplog.text or step == "pages"


def test_items_that_always_fail_do_not_hold_up_those_behind_them(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clips.bin.worker._BATCH", 2)
    clips = [library.landed(b"no film") for _ in range(4)]
    bad = {clip.blob_name for clip in clips[:2]}
    delete = Blobs.delete

    def fragile(self: Blobs, container: str, name: str) -> bool:
        if name in bad:
            raise ZeroDivisionError
        return delete(self, container, name)

    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "delete", fragile)
        for clip in clips:
            library.services.bin_rows.hide_clips(library.viewer, [clip.id], permanent=True)
        library.make_due()
        assert library.work_off() == 2
    assert library.blobs() == bad


def test_read_only_database_stops_no_step(
    library: Library, caplog: pytest.LogCaptureFixture, postgres_server: postgres.Server
) -> None:
    caplog.set_level("INFO")
    library.announce()
    library.services.database.run("UPDATE clips SET expires_at = now()", {})
    found = library.services.database.one("SELECT current_database() AS name", {})
    assert found is not None
    with psycopg.connect(postgres_server.database_url("postgres"), autocommit=True) as admin:
        name = sql.Identifier(found["name"])
        change = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on")
        admin.execute(change.format(name))
    library.services.database.close()
    with pytest.raises(DatabaseUnavailable):
        library.services.cleanup.run()
    assert "Cleanup done" in caplog.text
    assert (
        "An outage interrupted an item, which will be tried again: cleanup step clips_expired"
        in caplog.text
    )
    assert "outages=0" not in caplog.text
    with pytest.raises(DatabaseUnavailable):
        library.services.bin.delete_video(library.viewer, library.video.id, permanent=True)
