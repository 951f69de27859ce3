"""The cleanup deletes only what is due and keeps storage and catalogue consistent."""

import hashlib
import os
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from azure.storage.blob import BlobBlock, ContentSettings

from clips.upkeep.abandoned_uploads import UPLOAD_GRACE
from shared.catalogue.ingest.claims import Claim
from shared.catalogue.ingest.landing_queries import Landings
from shared.errors import StorageUnavailable
from shared.model.blob import Blob
from shared.model.clip import UPLOAD_LIFE, Clip, ClipStatus, Images
from shared.model.failure import GAVE_UP
from shared.model.media import Media
from shared.model.playability import Playback
from shared.settings import Settings
from shared.storage.blob_reader import BlobReader
from tests.conftest import SetClock
from tests.integration.library import Library
from tests.services import AllServices, compose_all

QUIET = timedelta(minutes=2)


def test_run_on_an_empty_system_does_nothing(library: Library) -> None:
    library.services.sidecars.drain(5)  # that of the video
    assert set(library.services.cleanup.run().values()) == {0}


def test_cleanup_logs_its_counts(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "clips")
    library.services.cleanup.run()
    assert "clips_expired=0 clips_past_retention=0" in caplog.text


class TestUploads:
    def test_upload_that_never_came_is_dropped_after_its_grace(
        self, library: Library, clock: SetClock
    ) -> None:
        library.announce()
        clock.now = datetime.now(UTC) + UPLOAD_LIFE + UPLOAD_GRACE - timedelta(minutes=1)
        assert library.services.cleanup.run()["uploads_abandoned"] == 0
        clock.advance(minutes=2)
        assert library.services.cleanup.run()["uploads_abandoned"] == 1
        assert library.clips() == []

    def test_upload_whose_event_was_lost_becomes_ready(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.announce()
        assert clip.blob_name is not None
        library.upload(clip.blob_name, film)
        clock.now = datetime.now(UTC) + UPLOAD_LIFE + UPLOAD_GRACE + timedelta(minutes=1)
        assert library.services.cleanup.run()["uploads_abandoned"] == 0
        assert library.clip(clip.id).status is ClipStatus.READY

    def test_clips_of_the_old_service_wait_without_end(
        self, library: Library, clock: SetClock
    ) -> None:
        library.services.database.run(
            """INSERT INTO clips (video_id, s3_url, blob_url, start_time, end_time, duration)
               VALUES (%(video)s, 's3://old/x.mp4', 's3://old/x.mp4', 30, 32, 2)""",
            {"video": library.video.id},
        )
        clock.advance(days=400)
        library.services.cleanup.run()
        assert len(library.clips()) == 1


class TestExpiry:
    def test_expired_clip_is_hidden_at_once_and_removed_by_the_cleanup(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        library.services.database.run(
            "UPDATE clips SET expires_at = now() WHERE id = %(id)s", {"id": clip.id}
        )
        assert library.clips() == []
        report = library.clean_up()
        assert (report["clips_expired"], report["deleted"]) == (1, 1)
        assert library.stored_blobs() == set()

    def test_temporary_blobs_are_deleted_after_their_date(
        self, library: Library, clock: SetClock
    ) -> None:
        past, future = clock.now - timedelta(seconds=1), clock.now + timedelta(hours=1)
        library.upload("past", b"x", {"expires_at": past.isoformat()}, "temp")
        library.upload("past without a zone", b"x", {"expires_at": "2020-01-01T00:00:00"}, "temp")
        library.upload("future", b"x", {"expires_at": future.isoformat()}, "temp")
        library.upload("rubbish", b"x", {"expires_at": "soon"}, "temp")
        library.upload("kept", b"x", kind="temp")
        assert library.services.cleanup.run()["temp_blobs_deleted"] == 2
        assert library.blobs("temp") == {"future", "rubbish", "kept"}

    def test_old_files_in_the_temp_dir_are_deleted_and_links_not_followed(
        self, library: Library, settings: Settings, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        _aged(outside / "precious")
        folder = settings.temp_dir / "below"
        folder.mkdir(parents=True)
        old, young = _aged(folder / "old"), folder / "young"
        young.touch()
        (settings.temp_dir / "way-out").symlink_to(outside)
        assert library.services.cleanup.run()["temp_files_deleted"] == 1
        assert (old.exists(), young.exists()) == (False, True)
        assert (outside / "precious").exists()

    def test_link_in_place_of_the_temp_dir_is_not_followed_either(
        self, library: Library, settings: Settings, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        _aged(outside / "precious")
        settings.temp_dir.symlink_to(outside)
        assert library.services.cleanup.run()["temp_files_deleted"] == 0
        assert (outside / "precious").exists()


class TestReconciliation:
    def test_blob_with_a_lost_event_is_processed(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        library.upload(f"{library.video.id}/forgotten.mp4", film)
        assert library.services.cleanup.run()["blobs_reconciled"] == 0, "the trigger goes first"
        clock.advance(seconds=QUIET.total_seconds())
        assert library.services.cleanup.run()["blobs_reconciled"] == 1
        assert [clip.status for clip in library.clips()] == [ClipStatus.READY]
        assert library.services.cleanup.run()["blobs_reconciled"] == 0

    def test_clip_whose_attempts_ended_can_be_processed_again(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.announce()
        assert clip.blob_name is not None
        library.upload(clip.blob_name, film)
        library.services.database.run(
            """UPDATE clips SET status = 'failed', failure_code = %(code)s,
                      failure_detail = 'x', attempts = 5 WHERE id = %(id)s""",
            {"id": clip.id, "code": GAVE_UP.code},
        )
        clock.advance(seconds=QUIET.total_seconds())
        assert library.services.cleanup.run()["blobs_reconciled"] == 1
        assert library.clip(clip.id).status is ClipStatus.READY

    def test_blob_is_given_up_after_all_attempts(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        library.services.database.run(
            """UPDATE clips SET status = 'failed', failure_code = %(code)s,
                      failure_detail = 'x', attempts = 10 WHERE id = %(id)s""",
            {"id": clip.id, "code": GAVE_UP.code},
        )
        clock.advance(seconds=QUIET.total_seconds())
        assert library.services.cleanup.run()["blobs_reconciled"] == 0

    def test_file_that_crashes_every_process_is_given_up(
        self, library: Library, film: bytes, longer_film: bytes, clock: SetClock
    ) -> None:
        """A new version of the blob is tried again."""
        clip = library.landed(film)
        assert clip.blob_name is not None
        library.services.database.run(
            "UPDATE clips SET status = 'processing', attempts = 10 WHERE id = %(id)s",
            {"id": clip.id},
        )
        clock.advance(seconds=QUIET.total_seconds())
        library.services.cleanup.run()
        assert library.clip(clip.id).failure == GAVE_UP
        library.upload(clip.blob_name, longer_film)
        library.services.ingest.landed(clip.blob_name)
        assert library.clip(clip.id).status is ClipStatus.READY

    def test_clip_without_its_blob_is_marked_as_failed(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip, other = library.landed(film), library.landed(film)
        assert clip.blob_name is not None
        library.services.blobs.delete(library.containers.clips, clip.blob_name)
        library.services.cleanup.run()
        assert library.clip(clip.id).status is ClipStatus.READY, "too early to be certain"
        clock.advance(seconds=QUIET.total_seconds())
        assert library.services.cleanup.run()["blobs_reconciled"] == 1
        failure = library.clip(clip.id).failure
        assert failure is not None
        assert failure.code == "blob_missing"
        assert library.clip(other.id).status is ClipStatus.READY

    def test_clip_whose_blob_returns_is_ready_again(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        assert clip.blob_name is not None
        library.services.blobs.delete(library.containers.clips, clip.blob_name)
        clock.advance(seconds=QUIET.total_seconds())
        library.services.cleanup.run()
        library.upload(clip.blob_name, film)
        library.services.ingest.landed(clip.blob_name)
        assert library.clip(clip.id).status is ClipStatus.READY

    def test_container_emptied_by_hand_is_noticed(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        for _ in range(3):
            clip = library.landed(film)
            assert clip.blob_name is not None
            library.services.blobs.delete(library.containers.clips, clip.blob_name)
        clock.advance(seconds=QUIET.total_seconds())
        assert library.services.cleanup.run()["blobs_reconciled"] == 3

    def test_blobs_under_no_video_are_counted_and_left(
        self,
        library: Library,
        film: bytes,
        clock: SetClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        library.upload("loose.mp4", film)
        library.upload("00000000-0000-4000-8000-000000000000/x.mp4", film)
        clock.advance(seconds=QUIET.total_seconds())
        assert library.services.cleanup.run()["blobs_reconciled"] == 0
        assert len(library.blobs()) == 2
        assert "2 blobs lie under no existing video" in caplog.text

    def test_one_blob_that_breaks_does_not_stop_the_others(
        self,
        library: Library,
        film: bytes,
        clock: SetClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name in ("a", "b", "c"):
            library.upload(f"{library.video.id}/{name}.mp4", film)
        landed = library.services.ingest.landed

        def fragile(name: str) -> None:
            if name.endswith("b.mp4"):
                raise ZeroDivisionError
            landed(name)

        monkeypatch.setattr(library.services.ingest, "landed", fragile)
        clock.advance(seconds=QUIET.total_seconds())
        assert library.services.cleanup.run()["blobs_reconciled"] == 2

    def test_names_are_compared_page_by_page(
        self,
        library: Library,
        film: bytes,
        clock: SetClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Pages of two on either side find the same as one page would."""
        monkeypatch.setattr("shared.storage.listing.PAGE", 2)
        monkeypatch.setattr("shared.catalogue.upkeep.upkeep_queries._KNOWN_AT_A_TIME", 2)
        settled = [library.landed(film) for _ in range(5)]
        library.upload(f"{library.video.id}/Zzz.mp4", film)
        library.upload(f"{library.video.id}/aaa.mp4", film)
        library.upload(f"{library.video.id}/ž.mp4", film)
        gone = settled[2].blob_name
        assert gone is not None
        library.services.blobs.delete(library.containers.clips, gone)
        clock.advance(seconds=QUIET.total_seconds())
        assert library.services.cleanup.run()["blobs_reconciled"] == 4
        states = [clip.status for clip in library.clips()]
        assert (states.count(ClipStatus.READY), states.count(ClipStatus.FAILED)) == (7, 1)


class TestNamesThatCannotBeStored:
    LONG = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(950))

    def test_bad_blob_blocks_no_other_and_is_logged_once(
        self,
        library: Library,
        film: bytes,
        clock: SetClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level("INFO")
        name = f"{library.video.id}/{self.LONG}.mp4"
        library.upload(name, film)
        library.services.ingest.landed(name)
        assert f"The blob is ignored, because its name is too long: {name}" in caplog.text
        library.upload(f"{library.video.id}/0.mp4", film)
        library.upload(f"{library.video.id}/龍.mp4", film)
        clock.advance(minutes=30)
        caplog.clear()
        for _ in range(2):
            library.services.cleanup.run()
        assert [clip.status for clip in library.clips()] == [ClipStatus.READY] * 2
        assert caplog.text.count(self.LONG) == 1
        assert "outages=0 held=0 unmarked=0 failures=0" in caplog.text


class TestBurst:
    """The cleanup leaves blobs with a queued message to the blob trigger."""

    def test_young_blobs_wait_while_the_trigger_works_off_older_ones(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        names = [f"{library.video.id}/{number}.mp4" for number in range(6)]
        for name in names:
            library.upload(name, film)
        # The trigger comes to the first one ten minutes later.
        library.services.ingest.landed(names[0])
        library.services.database.run(
            "UPDATE clips SET attempted_at = now() + interval '10 minutes'", {}
        )
        clock.advance(minutes=10)
        assert library.services.cleanup.run()["blobs_reconciled"] == 0
        clock.advance(minutes=5)
        assert library.services.cleanup.run()["blobs_reconciled"] == 5, "the trigger is idle"

    def test_run_that_another_one_overtook_is_logged(
        self,
        library: Library,
        film: bytes,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The blob was not replaced: the event came twice."""
        caplog.set_level("INFO")
        clip = library.announce()
        assert clip.blob_name is not None
        library.upload(clip.blob_name, film)
        publish = Landings.publish

        def overtaken(
            self: Landings,
            claim: Claim,
            media: Media,
            playback: Playback,
            images: Images,
            url: str | None,
        ) -> bool:
            assert publish(self, claim, media, playback, images, url)
            return publish(self, claim, media, playback, images, url)

        monkeypatch.setattr(Landings, "publish", overtaken)
        library.services.ingest.landed(clip.blob_name)
        assert library.clip(clip.id).status is ClipStatus.READY
        assert "was not published: another run finished this version first" in caplog.text
        assert "replaced" not in caplog.text


class TestChecksums:
    """A blob that came in blocks has no Content-MD5 until the cleanup has read it once."""

    def test_checksum_is_set_on_the_blob_and_nothing_else_changes(
        self, library: Library, film: bytes
    ) -> None:
        clip = self.in_blocks(library, film)
        before = library.services.blobs.get(library.containers.clips, clip.blob_name or "")
        assert before.content_md5 is None
        assert library.services.cleanup.run()["checksums_noted"] == 1
        after = library.services.blobs.get(library.containers.clips, clip.blob_name or "")
        assert after.content_md5 == b64encode(hashlib.md5(film).digest()).decode()
        assert after.content_type == before.content_type == "video/mp4"
        assert library.clip(clip.id) == clip
        assert library.services.cleanup.run()["checksums_noted"] == 0

    def test_adding_a_checksum_starts_no_processing(self, library: Library, film: bytes) -> None:
        clip = self.in_blocks(library, film)
        library.services.cleanup.run()
        images = {blob.etag for page in self.images(library) for blob in page}
        assert clip.blob_name is not None
        library.services.ingest.landed(clip.blob_name)
        assert {blob.etag for page in self.images(library) for blob in page} == images

    def test_checksum_of_an_upload_in_one_request_is_taken_from_storage(
        self, library: Library, film: bytes
    ) -> None:
        library.landed(film)
        assert library.services.cleanup.run()["checksums_noted"] == 0

    def test_checksum_that_takes_too_long_waits_for_the_next_run(
        self, library: Library, film: bytes, clock: SetClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clip = self.in_blocks(library, film)
        read = BlobReader.read

        def slow(self: BlobReader, offset: int, length: int) -> bytes:
            clock.advance(minutes=6)
            return read(self, offset, length)

        monkeypatch.setattr(BlobReader, "read", slow)
        assert library.services.cleanup.run()["checksums_noted"] == 0
        assert library.clip(clip.id).status is ClipStatus.READY

    def test_blob_too_large_for_any_run_does_not_stop_others(
        self, library: Library, film: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("clips.upkeep.checksums._LARGEST", len(film))
        larger = self.in_blocks(library, film + (108).to_bytes(4) + b"free" + bytes(100))
        clip = self.in_blocks(library, film)
        assert library.services.cleanup.run()["checksums_noted"] == 1
        blobs, container = library.services.blobs, library.containers.clips
        assert blobs.get(container, clip.blob_name or "").content_md5 is not None
        assert blobs.get(container, larger.blob_name or "").content_md5 is None

    def in_blocks(self, library: Library, film: bytes) -> Clip:
        clip = library.announce()
        assert clip.blob_name is not None
        blob = library.services.account.client.get_blob_client(
            library.containers.clips, clip.blob_name
        )
        blob.stage_block("1", film)
        settings = ContentSettings(content_type="video/mp4")
        blob.commit_block_list([BlobBlock("1")], content_settings=settings)
        library.services.ingest.landed(clip.blob_name)
        return library.clip(clip.id)

    def images(self, library: Library) -> Iterator[list[Blob]]:
        return library.services.blobs.pages(library.containers.thumbnails)


def test_outage_in_one_step_does_not_stop_the_others(
    library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.temp_dir.mkdir(parents=True)
    old = _aged(settings.temp_dir / "old")

    def outage(*_: object, **__: object) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr(type(library.services.blobs), "pages", outage)
    with pytest.raises(StorageUnavailable):
        library.services.cleanup.run()
    assert not old.exists()


def _aged(path: Path) -> Path:
    path.touch()
    two_days_ago = datetime.now(UTC).timestamp() - 48 * 3600
    os.utime(path, (two_days_ago, two_days_ago))
    return path


# --- One at a time


def test_cleanup_ends_at_once_while_another_runs(
    services: AllServices, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The other cleanup may be in another process; the next cleanup works after its end."""
    other = compose_all(settings)
    with other.database, other.cleanup._upkeep.alone() as is_alone:
        assert is_alone
        assert services.cleanup.run() == {}
        assert "Another cleanup is running" in caplog.text
    assert services.cleanup.run() != {}


def test_lost_lock_does_not_end_the_cleanup(
    services: AllServices, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A server may close a connection that is idle in its transaction."""
    with services.cleanup._upkeep.alone() as is_alone:
        assert is_alone
        with psycopg.connect(database_url, autocommit=True) as administrator:
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    assert "was lost with its connection" in caplog.text
    assert services.cleanup.run() != {}
