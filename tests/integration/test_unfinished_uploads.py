"""A file that its writer has not finished, because it is empty or grows, does not fail."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import BlobBlock, BlobClient

from shared.model.clip import UPLOAD_LIFE, Clip, ClipStatus
from tests.conftest import SetClock
from tests.integration.library import Library

A_WHILE = timedelta(minutes=11)


def code_of(clip: Clip) -> str | None:
    return clip.failure.code if clip.failure else None


def blob_of(library: Library, name: str, kind: str = "clips") -> BlobClient:
    container = f"{library.containers.prefix}-{kind}"
    return library.services.account.client.get_blob_client(container, name)


class TestEmpty:
    def test_announced_clip_waits_while_its_upload_link_is_valid(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(b"")
        assert clip.status is ClipStatus.AWAITING_UPLOAD
        clock.now = datetime.now(UTC) + UPLOAD_LIFE - timedelta(minutes=1)
        library.services.cleanup.run()
        assert library.clip(clip.id) == clip
        assert clip.blob_name is not None
        library.upload(clip.blob_name, film)
        library.services.ingest.landed(clip.blob_name)
        assert library.clip(clip.id).status is ClipStatus.READY

    def test_empty_blob_fails_when_the_link_has_ended(
        self, library: Library, clock: SetClock
    ) -> None:
        clip = library.landed(b"")
        clock.now = datetime.now(UTC) + UPLOAD_LIFE + A_WHILE
        library.services.cleanup.run()
        assert code_of(library.clip(clip.id)) == "empty_file"

    def test_unannounced_file_becomes_a_clip_after_a_delay(
        self, library: Library, clock: SetClock
    ) -> None:
        name = f"{library.video.id}/opened.mp4"
        library.upload(name, b"")
        library.services.ingest.landed(name)
        clock.advance(minutes=5)
        library.services.cleanup.run()
        assert library.clips() == []
        clock.advance(minutes=6)
        library.services.cleanup.run()
        assert [code_of(clip) for clip in library.clips()] == ["empty_file"]

    def test_ready_clip_stays_ready_while_it_is_overwritten(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        assert clip.blob_name is not None
        library.upload(clip.blob_name, b"")
        library.services.ingest.landed(clip.blob_name)
        assert library.clip(clip.id) == clip


class TestGrowing:
    def test_append_blob_does_not_fail_while_it_grows(self, library: Library, film: bytes) -> None:
        clip = library.announce()
        assert clip.blob_name is not None
        blob, seen = blob_of(library, clip.blob_name), set()
        blob.create_append_blob()
        library.services.ingest.landed(clip.blob_name)
        for start in range(0, len(film), len(film) // 3):
            blob.append_block(film[start : start + len(film) // 3])
            library.services.ingest.landed(clip.blob_name)
            seen.add(library.clip(clip.id).status)
        assert seen <= {ClipStatus.PROCESSING, ClipStatus.READY}
        assert library.clip(clip.id).status is ClipStatus.READY

    def test_blocks_that_are_flushed_one_by_one_never_fail(
        self, library: Library, film: bytes
    ) -> None:
        name = f"{library.video.id}/flushed.mp4"
        blob, half = blob_of(library, name), len(film) // 2
        blob.stage_block("1", film[:half])
        blob.commit_block_list([BlobBlock("1")])
        library.services.ingest.landed(name)
        assert [clip.status for clip in library.clips()] == [ClipStatus.PROCESSING]
        blob.stage_block("2", film[half:])
        blob.commit_block_list([BlobBlock("1"), BlobBlock("2")])
        library.services.ingest.landed(name)
        assert [clip.status for clip in library.clips()] == [ClipStatus.READY]

    def test_file_that_stays_truncated_fails_in_the_end(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        """Earlier attempts do not count while the file may still grow."""
        name = f"{library.video.id}/cut.mp4"
        blob = blob_of(library, name)
        blob.stage_block("1", film[: len(film) // 2])
        blob.commit_block_list([BlobBlock("1")])
        for _ in range(12):
            library.services.ingest.landed(name)
        assert [clip.status for clip in library.clips()] == [ClipStatus.PROCESSING]
        clock.advance(minutes=3)
        library.services.cleanup.run()
        assert [code_of(clip) for clip in library.clips()] == ["truncated"]

    @pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
    def test_truncated_file_from_one_request_fails_at_once(
        self, library: Library, film: bytes, share: float
    ) -> None:
        assert code_of(library.landed(film[: int(len(film) * share)])) == "truncated"


class TestSource:
    """The file of a whole video is written in the same ways."""

    def test_source_waits_while_it_is_empty_or_grows(self, library: Library, film: bytes) -> None:
        name, half = source_of(library), len(film) // 2
        blob, seen = blob_of(library, name, "videos"), []
        blob.create_append_blob()
        for piece in (b"", film[:half], film[half:]):
            if piece:
                blob.append_block(piece)
            library.services.source_ingest.landed(name)
            seen.append(library.services.sources.read(library.viewer, library.video.id).source)
        assert [source.status for source in seen] == ["awaiting_upload", "processing", "ready"]

    @pytest.mark.parametrize(("share", "code"), [(0, "empty_file"), (2, "truncated")])
    def test_source_that_is_not_continued_fails_in_the_end(
        self, library: Library, film: bytes, clock: SetClock, share: int, code: str
    ) -> None:
        name = source_of(library)
        blob = blob_of(library, name, "videos")
        blob.create_append_blob()
        if share:
            blob.append_block(film[: len(film) // share])
        clock.now = datetime.now(UTC) + UPLOAD_LIFE + A_WHILE
        library.services.source_ingest.landed(name)
        source = library.services.sources.read(library.viewer, library.video.id).source
        assert source.failure is not None
        assert source.failure.code == code


def source_of(library: Library) -> str:
    """Announces a source; returns the name of its blob."""
    shown = library.services.sources.announce(library.viewer, library.video.id, "a.mp4", None)
    return shown.source.blob_name
