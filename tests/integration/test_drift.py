"""The drift report finds what differs between storage and catalogue, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.catalogue.drift.drift_image_queries import DriftImages
from shared.catalogue.drift.drift_queries import DriftRows
from shared.model.clip import Clip, ClipStatus
from shared.model.drift import DriftKind, DriftStatus
from tests.conftest import SetClock
from tests.integration.drifting import Drift, copy_rows
from tests.integration.library import Library

QUIET = timedelta(minutes=2)
STUCK = timedelta(minutes=40)


@pytest.fixture
def drift(library: Library) -> Drift:
    return Drift(library)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads two rows, and two blobs of a listing, at a time."""
    monkeypatch.setattr("shared.storage.listing.PAGE", 2)
    monkeypatch.setattr(DriftRows, "at_a_time", 2)
    monkeypatch.setattr(DriftImages, "at_a_time", 2)


def name_of(clip: Clip) -> str:
    assert clip.blob_name is not None
    return clip.blob_name


def change(library: Library, clip: Clip, assignments: str) -> None:
    """Changes the row of a clip without the app."""
    with library.services.database.transaction() as connection:
        connection.execute(f"UPDATE clips SET {assignments} WHERE id = '{clip.id}'", {})


def is_next_cleanup(line: dict[str, object], clock: SetClock) -> bool:
    """Cleanups begin every five minutes."""
    by = datetime.fromisoformat(str(line["by"]))
    return clock.now < by <= clock.now + timedelta(minutes=5) and by.minute % 5 == 0


class TestNoDrift:
    def test_empty_system_gives_no_line(self, drift: Drift) -> None:
        report = drift.report()
        assert (report.status, report.counts) == (DriftStatus.DONE, {})
        assert drift.lines(report.id) == []

    def test_processed_clips_give_no_line(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        library.landed(film)
        library.landed(b"no film at all" * 100)
        library.announce()
        library.upload(f"{library.video.id}.mp4", film, kind="videos")
        library.services.source_ingest.landed(f"{library.video.id}.mp4")
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.counts() == {}

    def test_companion_files_and_young_blobs_give_no_line(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        library.upload(f"{library.video.id}/subtitles.srt", b"1")
        library.upload(f"{library.video.id}/", b"", {"hdi_isfolder": "true"})
        library.upload(f"{library.video.id}/empty.mp4", b"")
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.counts() == {}
        clock.now = datetime.now(UTC)
        library.upload(f"{library.video.id}/new.mp4", film)
        library.upload(f"{uuid4()}/new.mp4", film)
        assert drift.counts() == {}

    def test_clip_in_the_bin_and_deleted_clip_give_no_line(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        for _ in range(2):
            clip = library.landed(film)
            library.services.bin.delete_clip(library.viewer, clip.id)
        library.clean_up()
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.counts() == {}

    @pytest.mark.usefixtures("small_parts")
    def test_pages_that_split_clips_give_no_line(
        self,
        drift: Drift,
        library: Library,
        film: bytes,
        clock: SetClock,
    ) -> None:
        for _ in range(3):
            library.landed(film)
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.counts() == {}


class TestBlobWithoutRow:
    def test_blob_under_a_video_is_to_be_processed(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        name = f"{library.video.id}/forgotten.mp4"
        library.upload(name, film)
        clock.advance(seconds=QUIET.total_seconds())
        line = drift.line(DriftKind.BLOB_WITHOUT_ROW)
        assert (line["blob"], line["container"]) == (name, library.containers.clips)
        assert line["video_id"] == str(library.video.id)
        assert line["action"] == "process"
        assert is_next_cleanup(line, clock)
        library.clean_up()
        assert drift.counts() == {}

    def test_blob_with_a_clip_id_under_a_video_is_to_be_processed(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip_id = uuid4()
        library.upload(f"{library.video.id}/{clip_id}.mp4", film)
        clock.advance(seconds=QUIET.total_seconds())
        line = drift.line(DriftKind.BLOB_WITHOUT_ROW)
        assert (line["clip_id"], line["action"]) == (str(clip_id), "process")

    def test_source_without_a_row_is_left_and_repaired(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        library.upload(f"{library.video.id}.mp4", film, kind="videos")
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.line(DriftKind.BLOB_WITHOUT_ROW)["action"] is None
        assert drift.repair(DriftKind.BLOB_WITHOUT_ROW) == {"repaired": 1}
        assert drift.counts() == {}

    def test_name_that_cannot_be_stored_is_left(
        self,
        drift: Drift,
        library: Library,
        film: bytes,
        clock: SetClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("shared.blob_names.foreign._LONGEST_NAME", 50)
        library.upload(f"{library.video.id}/{'long' * 10}.mp4", film)
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.line(DriftKind.BLOB_WITHOUT_ROW)["action"] is None
        assert drift.repair(DriftKind.BLOB_WITHOUT_ROW) == {"left": 1}

    def test_repair_makes_clips_of_them(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        for name in ("a", "b", "c"):
            library.upload(f"{library.video.id}/{name}.mp4", film)
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.repair(DriftKind.BLOB_WITHOUT_ROW) == {"repaired": 3}
        assert {clip.status for clip in library.clips()} == {ClipStatus.READY}
        assert len(library.clips()) == 3


class TestUnknownVideos:
    def test_blobs_under_no_video_are_listed_and_never_deleted(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        other = uuid4()
        names = {"loose.mp4", f"{other}/x.mp4", f"{other}/{uuid4()}.mp4"}
        for name in names:
            library.upload(name, film)
        library.upload(f"{other}.mp4", film, kind="videos")
        library.upload(f"{other}/{uuid4()}/poster.jpg", b"x", kind="thumbnails")
        clock.advance(seconds=QUIET.total_seconds())
        report = drift.report()
        assert report.counts == {DriftKind.BLOB_OF_UNKNOWN_VIDEO: 5}
        lines = drift.lines(report.id)
        assert all(line["action"] is None and line["by"] is None for line in lines)
        assert drift.repair(*DriftKind) == {"left": 5}
        assert library.blobs() == names
        assert len(library.blobs("videos") | library.blobs("thumbnails")) == 2


class TestRowWithoutBlob:
    def test_lost_blob_is_to_be_marked_after_the_quiet_time(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip, _ = library.landed(film), library.landed(film)
        library.services.blobs.delete(library.containers.clips, name_of(clip))
        assert drift.counts() == {}, "too early to be certain"
        clock.advance(seconds=QUIET.total_seconds())
        line = drift.line(DriftKind.ROW_WITHOUT_BLOB)
        assert (line["clip_id"], line["blob"]) == (str(clip.id), clip.blob_name)
        assert line["action"] == "mark_missing"
        assert is_next_cleanup(line, clock)
        library.clean_up()
        assert drift.counts() == {}

    def test_lost_source_is_left_and_repaired(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        name = f"{library.video.id}.mp4"
        library.upload(name, film, kind="videos")
        library.services.source_ingest.landed(name)
        library.services.blobs.delete(library.containers.videos, name)
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.line(DriftKind.ROW_WITHOUT_BLOB)["action"] is None
        assert drift.repair(DriftKind.ROW_WITHOUT_BLOB) == {"repaired": 1}
        assert drift.counts() == {}

    def test_loss_in_bulk_waits_for_an_admin(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        copy_rows(library, clip.id, 30)
        clock.advance(seconds=QUIET.total_seconds())
        report = drift.report()
        assert report.counts == {DriftKind.ROW_WITHOUT_BLOB: 30}
        assert {line["action"] for line in drift.lines(report.id)} == {None}
        assert drift.repair(DriftKind.ROW_WITHOUT_BLOB) == {"repaired": 30}
        failures = [clip.failure for clip in library.clips() if clip.failure is not None]
        assert {failure.code for failure in failures} == {"blob_missing"}
        assert len(failures) == 30
        assert drift.counts() == {}

    @pytest.mark.usefixtures("small_parts")
    def test_lost_blobs_are_found_part_by_part(
        self,
        drift: Drift,
        library: Library,
        film: bytes,
        clock: SetClock,
    ) -> None:
        clip = library.landed(film)
        copy_rows(library, clip.id, 7)
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.counts() == {DriftKind.ROW_WITHOUT_BLOB: 7}


class TestDifferingVersions:
    def test_overwritten_blob_is_to_be_processed(
        self,
        drift: Drift,
        library: Library,
        film: bytes,
        longer_film: bytes,
        clock: SetClock,
    ) -> None:
        clip = library.landed(film)
        etag = library.upload(name_of(clip), longer_film)
        clock.advance(seconds=QUIET.total_seconds())
        line = drift.line(DriftKind.ETAG_DIFFERS)
        assert etag in str(line["detail"])
        assert line["action"] == "process"
        assert is_next_cleanup(line, clock)
        assert drift.repair(DriftKind.ETAG_DIFFERS) == {"repaired": 1}
        assert library.clip(clip.id).duration == pytest.approx(3.0, abs=0.1)
        assert drift.counts() == {}

    def test_overwritten_source_is_left_and_repaired(
        self,
        drift: Drift,
        library: Library,
        film: bytes,
        longer_film: bytes,
        clock: SetClock,
    ) -> None:
        name = f"{library.video.id}.mp4"
        library.upload(name, film, kind="videos")
        library.services.source_ingest.landed(name)
        library.upload(name, longer_film, kind="videos")
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.line(DriftKind.ETAG_DIFFERS)["action"] is None
        assert drift.repair(DriftKind.ETAG_DIFFERS) == {"repaired": 1}
        assert drift.counts() == {}

    @pytest.mark.parametrize(
        ("kind", "assignment"),
        [
            (DriftKind.ETAG_DIFFERS, "etag = '0xOLD'"),
            (DriftKind.SIZE_DIFFERS, "file_size = 1"),
            (DriftKind.SIZE_DIFFERS, "file_size = file_size + 1"),
            (DriftKind.SIZE_DIFFERS, "file_size = 9223372036854775807"),
            (DriftKind.MD5_DIFFERS, "content_md5 = 'AAAAAAAAAAAAAAAAAAAAAA=='"),
            (DriftKind.MD5_DIFFERS, "content_md5 = ''"),
            (DriftKind.MD5_DIFFERS, "content_md5 = lower(content_md5)"),
            (DriftKind.TIER_DIFFERS, "archived = TRUE"),
        ],
    )
    def test_row_that_is_wrong_is_repaired(
        self,
        drift: Drift,
        library: Library,
        film: bytes,
        clock: SetClock,
        kind: DriftKind,
        assignment: str,
    ) -> None:
        clip, other = library.landed(film), library.landed(film)
        change(library, clip, assignment)
        clock.advance(seconds=QUIET.total_seconds())
        line = drift.line(kind)
        by_itself = {DriftKind.ETAG_DIFFERS: "process", DriftKind.TIER_DIFFERS: "note_tier"}
        assert line["action"] == by_itself.get(kind)
        assert line["clip_id"] == str(clip.id)
        assert drift.repair(kind) == {"repaired": 1}
        assert drift.counts() == {}
        assert library.clip(clip.id).file_size == library.clip(other.id).file_size


class TestTiers:
    @pytest.mark.parametrize("tier", ["Archive", "Cool"])
    def test_tier_is_to_be_noted_when_it_matters(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock, tier: str
    ) -> None:
        clip = library.landed(film)
        client = library.services.account.client.get_blob_client(
            library.containers.clips, name_of(clip)
        )
        client.set_standard_blob_tier(tier)
        clock.advance(seconds=QUIET.total_seconds())
        if tier == "Cool":
            assert drift.counts() == {}
            return
        line = drift.line(DriftKind.TIER_DIFFERS)
        assert line["action"] == "note_tier"
        assert is_next_cleanup(line, clock)
        library.clean_up()
        assert drift.counts() == {}


class TestImages:
    @pytest.mark.parametrize("pick", [min, max, lambda names: sorted(names)[3]])
    def test_missing_image_is_made_anew_by_a_repair(
        self,
        drift: Drift,
        library: Library,
        film: bytes,
        clock: SetClock,
        pick: Callable[[set[str]], str],
    ) -> None:
        clip, _ = library.landed(film), library.landed(film)
        name = pick(library.images_of(clip))
        library.services.blobs.delete(library.containers.thumbnails, name)
        clock.advance(seconds=QUIET.total_seconds())
        line = drift.line(DriftKind.IMAGE_MISSING)
        assert (line["blob"], line["clip_id"], line["action"]) == (name, str(clip.id), None)
        library.clean_up()
        assert drift.counts() == {DriftKind.IMAGE_MISSING: 1}, "as the line says"
        assert drift.repair(DriftKind.IMAGE_MISSING) == {"repaired": 1}
        assert library.images_of(library.clip(clip.id)) <= library.blobs("thumbnails")
        assert drift.counts() == {}

    @pytest.mark.usefixtures("small_parts")
    def test_clip_without_any_image_is_one_line(
        self,
        drift: Drift,
        library: Library,
        film: bytes,
        clock: SetClock,
    ) -> None:
        clips = [library.landed(film) for _ in range(3)]
        for clip in clips:
            library.services.blobs.delete_prefix(
                library.containers.thumbnails, f"{clip.video_id}/{clip.id}"
            )
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.counts() == {DriftKind.IMAGE_MISSING: 3}
        assert drift.repair(DriftKind.IMAGE_MISSING) == {"repaired": 3}
        assert drift.counts() == {}

    def test_images_of_a_source_are_made_anew(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        name = f"{library.video.id}.mp4"
        library.upload(name, film, kind="videos")
        library.services.source_ingest.landed(name)
        library.services.blobs.delete_prefix(
            library.containers.thumbnails, f"{library.video.id}/{library.video.id}"
        )
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.line(DriftKind.IMAGE_MISSING)["clip_id"] is None
        assert drift.repair(DriftKind.IMAGE_MISSING) == {"repaired": 1}
        assert drift.counts() == {}

    def test_images_of_an_archived_clip_are_left(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        library.services.blobs.delete(library.containers.thumbnails, min(library.images_of(clip)))
        change(library, clip, "archived = TRUE")
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.repair(DriftKind.IMAGE_MISSING) == {"left": 1}
        assert library.clip(clip.id).status is ClipStatus.READY

    @pytest.mark.parametrize("image", ["/poster.jpg", "/storyboard.vtt", "_thumbnail.jpg"])
    def test_image_without_a_clip_is_deleted_by_a_repair(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock, image: str
    ) -> None:
        clip, lost = library.landed(film), uuid4()
        name = f"{library.video.id}/{lost}{image}"
        library.upload(name, b"x", kind="thumbnails")
        clock.advance(seconds=QUIET.total_seconds())
        line = drift.line(DriftKind.IMAGE_WITHOUT_CLIP)
        assert (line["blob"], line["clip_id"], line["action"]) == (name, str(lost), None)
        assert drift.repair(DriftKind.IMAGE_WITHOUT_CLIP) == {"repaired": 1}
        assert library.blobs("thumbnails") == library.images_of(clip)

    @pytest.mark.usefixtures("small_parts")
    def test_images_of_one_lost_clip_are_listed_across_pages(
        self,
        drift: Drift,
        library: Library,
        clock: SetClock,
    ) -> None:
        lost = uuid4()
        for number in range(7):
            library.upload(f"{library.video.id}/{lost}/at-{number}.jpg", b"x", kind="thumbnails")
        clock.advance(seconds=QUIET.total_seconds())
        report = drift.report()
        assert report.counts == {DriftKind.IMAGE_WITHOUT_CLIP: 7}
        assert len({str(line["blob"]) for line in drift.lines(report.id)}) == 7


class TestStuck:
    def test_clip_in_processing_for_long_is_processed(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        change(library, clip, "status = 'processing', attempts = 1")
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.counts() == {}, "a run may still be at work"
        clock.advance(seconds=STUCK.total_seconds())
        line = drift.line(DriftKind.STUCK_PROCESSING)
        assert line["action"] == "process"
        assert is_next_cleanup(line, clock)
        assert drift.repair(DriftKind.STUCK_PROCESSING) == {"repaired": 1}
        assert library.clip(clip.id).status is ClipStatus.READY

    def test_upload_whose_event_was_lost_is_processed(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.announce()
        library.upload(name_of(clip), film)
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.line(DriftKind.STUCK_PROCESSING)["action"] == "process"
        library.clean_up()
        assert drift.counts() == {}

    def test_source_in_processing_for_long_is_processed(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        name = f"{library.video.id}.mp4"
        library.upload(name, film, kind="videos")
        library.services.source_ingest.landed(name)
        library.services.database.run("UPDATE sources SET status = 'processing'", {})
        clock.advance(seconds=STUCK.total_seconds())
        assert drift.line(DriftKind.STUCK_PROCESSING)["action"] == "process"
        assert drift.repair(DriftKind.STUCK_PROCESSING) == {"repaired": 1}
        assert drift.counts() == {}

    def test_clip_that_used_up_its_attempts_is_given_up(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        change(library, clip, "status = 'processing', attempts = 10")
        clock.advance(seconds=STUCK.total_seconds())
        assert drift.line(DriftKind.STUCK_PROCESSING)["action"] == "process"
        library.clean_up()
        assert library.clip(clip.id).status is ClipStatus.FAILED
        assert drift.counts() == {}


class TestDeleted:
    """Clips that are deleted permanently; test_drift_bin.py has those in the bin."""

    def test_blob_of_a_deleted_clip_is_to_be_deleted(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        change(library, clip, "deleted_at = now()")
        assert drift.counts() == {}, "it is being deleted at this moment"
        clock.advance(seconds=QUIET.total_seconds())
        report = drift.report()
        assert report.counts == {DriftKind.DELETED_BUT_PRESENT: 2}, "the blob, and the images"
        for line in drift.lines(report.id):
            assert (line["action"], line["clip_id"]) == ("delete", str(clip.id))
            assert is_next_cleanup(line, clock)
        library.clean_up()
        assert drift.counts() == {}
        assert library.everything_stored() == {f"drift/{report.id}.jsonl"} | {
            name for name in library.blobs("temp") if name.startswith("drift/")
        }

    def test_blobs_of_a_deleted_video_are_deleted_by_a_repair(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        library.landed(film)
        library.upload(f"{library.video.id}/{uuid4()}/poster.jpg", b"x", kind="thumbnails")
        library.upload(f"{library.video.id}/late.mp4", film)
        library.services.database.run("UPDATE videos SET deleted_at = now()", {})
        clock.advance(seconds=QUIET.total_seconds())
        assert drift.counts() == {
            DriftKind.DELETED_BUT_PRESENT: 3,
            DriftKind.IMAGE_WITHOUT_CLIP: 1,
        }
        assert sum(drift.repair(DriftKind.DELETED_BUT_PRESENT).values()) == 3
        assert library.blobs() | library.blobs("thumbnails") == set()
        assert drift.counts() == {}

    def test_blob_that_landed_for_a_deleted_clip_is_to_be_deleted(
        self, drift: Drift, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        change(library, clip, "deleted_at = now()")
        library.clean_up()
        library.upload(name_of(clip), film)
        clock.advance(seconds=QUIET.total_seconds())
        line = drift.line(DriftKind.DELETED_BUT_PRESENT)
        assert line["action"] == "delete"
        library.clean_up()
        assert library.blobs() == set()
        assert drift.counts() == {}


class TestMeanwhile:
    """Changes between the two reads give no line."""

    @pytest.mark.parametrize("at", ["deleted", "landed", "overwritten"])
    def test_changes_during_a_run_give_no_line(
        self,
        drift: Drift,
        library: Library,
        film: bytes,
        longer_film: bytes,
        clock: SetClock,
        monkeypatch: pytest.MonkeyPatch,
        at: str,
    ) -> None:
        clips = [library.landed(film) for _ in range(2)]
        clock.advance(seconds=QUIET.total_seconds())
        page = library.services.blobs.page
        calls = 0

        def change_meanwhile() -> None:
            name = name_of(clips[0])
            if at == "deleted":
                library.services.bin.delete_clip(library.viewer, clips[0].id)
            elif at == "landed":
                library.upload(f"{library.video.id}/new.mp4", film)
                library.services.ingest.landed(f"{library.video.id}/new.mp4")
            else:
                library.upload(name, longer_film)
                library.services.ingest.landed(name)

        def listed(*arguments: object, **named: object) -> object:
            nonlocal calls
            found = page(*arguments, **named)  # type: ignore[arg-type]  # handed on as it came
            calls += 1
            if calls == 1:
                change_meanwhile()
            return found

        monkeypatch.setattr(library.services.blobs, "page", listed)
        assert drift.counts() == {}
        assert calls > 1
