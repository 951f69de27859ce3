"""Archived clips on a real emulator, which fetches them back at once."""

from base64 import b64encode
from hashlib import md5

import httpx
import pytest
from azure.storage.blob import BlobBlock, StandardBlobTier

from clips.links.archive import Archive
from clips.upkeep.checksums import Checksums
from shared.catalogue.upkeep.upkeep_queries import Upkeep
from shared.errors import BlobArchived, WrongState
from shared.model.blob import RehydratePriority, Rehydration
from shared.model.clip import Clip, ClipStatus
from shared.model.failure import ARCHIVED
from shared.model.link import ImageFormat, SignedLink, StillOptions, Variant
from shared.storage.blob_reader import BlobReader
from shared.storage.signing.signed_links import Links
from shared.storage.tier_check import TierCheck
from tests.conftest import SetClock
from tests.integration.library import Library
from tests.integration.test_access import terms

STANDARD, HIGH = RehydratePriority.STANDARD, RehydratePriority.HIGH


def move(library: Library, name: str, tier: StandardBlobTier) -> None:
    client = library.services.account.client
    client.get_blob_client(library.containers.clips, name).set_standard_blob_tier(tier)


def archive(library: Library, clip: Clip) -> str:
    assert clip.blob_name is not None
    move(library, clip.blob_name, StandardBlobTier.ARCHIVE)
    return clip.blob_name


def tier(library: Library, name: str) -> str | None:
    return library.services.blobs.get(library.containers.clips, name).access_tier


def upload_into_the_archive(library: Library, name: str, data: bytes) -> None:
    library.upload(name, data)
    move(library, name, StandardBlobTier.ARCHIVE)


def sent_in_blocks(library: Library, data: bytes) -> Clip:
    """A clip whose blob has no checksum: storage makes one for single requests only."""
    clip = library.announce()
    name = clip.blob_name or ""
    blob = library.services.account.client.get_blob_client(library.containers.clips, name)
    blob.stage_block("MQ==", data)
    blob.commit_block_list([BlobBlock("MQ==")])
    library.services.ingest.landed(name)
    return library.clip(clip.id)


class TestFetchingBack:
    def test_link_is_given_when_the_clip_is_rehydrated(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        name = archive(library, clip)
        access = library.services.access
        wait = access.link(library.viewer, clip.id, terms(), HIGH)
        assert wait == Rehydration(HIGH, 600)
        assert tier(library, name) == "Hot"
        link = access.link(library.viewer, clip.id, terms(), HIGH)
        assert isinstance(link, SignedLink)
        assert httpx.get(link.url).content == film

    @pytest.mark.parametrize("tier_name", [StandardBlobTier.COOL, StandardBlobTier.COLD])
    def test_clips_in_cool_and_cold_tiers_have_links(
        self, library: Library, film: bytes, tier_name: StandardBlobTier
    ) -> None:
        clip = library.landed(film)
        assert clip.blob_name is not None
        move(library, clip.blob_name, tier_name)
        link = library.services.access.link(library.viewer, clip.id, terms(), STANDARD)
        assert isinstance(link, SignedLink)
        assert httpx.get(link.url).content == film
        assert tier(library, clip.blob_name) == tier_name.value, "where it is cheap"

    @pytest.mark.parametrize("variant", [Variant.POSTER, Variant.PREVIEW, Variant.STORYBOARD])
    def test_images_of_an_archived_clip_have_links(
        self, library: Library, film: bytes, variant: Variant
    ) -> None:
        clip = library.landed(film)
        name = archive(library, clip)
        link = library.services.access.link(library.viewer, clip.id, terms(variant), STANDARD)
        assert isinstance(link, SignedLink)
        assert tier(library, name) == "Archive"

    def test_old_link_to_an_archived_clip_answers_a_conflict(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        link = library.link(clip, terms())
        archive(library, clip)
        assert httpx.get(link.url).status_code == 409

    def test_storage_is_asked_by_the_clips_own_name(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip, other = library.landed(film), library.landed(film)
        archive(library, clip)
        services = library.services
        tier_check = TierCheck(services.account, Links(services.account, clock))
        made = Archive(clock, services.blobs, library.containers, tier_check.is_readable)
        assert other.blob_name is not None
        assert made.state(other.blob_name, STANDARD) is None


class TestReading:
    def test_bytes_of_an_archived_clip_cannot_be_read(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        name = archive(library, clip)
        blob = library.services.blobs.get(library.containers.clips, name)
        assert blob.archived
        assert blob.rehydrating is None
        reader: BlobReader = library.services.blobs.reader(library.containers.clips, blob)
        with pytest.raises(BlobArchived):
            reader.read(0, 10)

    def test_existing_still_is_served_and_a_new_one_is_not(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        first = StillOptions(time=0.5, width=160, image_format=ImageFormat.JPEG)
        library.services.thumbnails.link(library.viewer, clip.id, first)
        archive(library, clip)
        link = library.services.thumbnails.link(library.viewer, clip.id, first)
        assert httpx.get(link.url).status_code == 200
        poster = StillOptions(time=None, width=160, image_format=ImageFormat.JPEG)
        assert library.services.thumbnails.link(library.viewer, clip.id, poster).url
        other = StillOptions(time=1.0, width=160, image_format=ImageFormat.JPEG)
        with pytest.raises(BlobArchived):
            library.services.thumbnails.link(library.viewer, clip.id, other)

    def test_blob_that_lands_archived_fails_and_is_processed_later(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        """The host does not deliver it again; the cleanup waits for its rehydration."""
        name = f"{library.video.id}/old.mp4"
        upload_into_the_archive(library, name, film)
        library.services.ingest.landed(name)
        (clip,) = library.clips()
        assert (clip.status, clip.failure) == (ClipStatus.FAILED, ARCHIVED)
        with pytest.raises(WrongState):
            library.services.access.link(library.viewer, clip.id, terms(), STANDARD)
        clock.advance(minutes=2)
        for _ in range(12):
            assert library.services.cleanup.run()["blobs_reconciled"] == 0
        move(library, name, StandardBlobTier.HOT)
        assert library.services.cleanup.run()["blobs_reconciled"] == 1
        assert library.clip(clip.id).status is ClipStatus.READY

    def test_clip_that_goes_to_the_archive_stays_ready(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        archive(library, clip)
        clock.advance(minutes=2)
        library.services.cleanup.run()
        assert library.clip(clip.id).status is ClipStatus.READY

    def test_checksums_of_archived_clips_wait(self, library: Library, film: bytes) -> None:
        """The cleanup skips archived clips in its step of checksums, and tries again next time."""
        archived, other = (sent_in_blocks(library, film) for _ in range(2))
        name = archive(library, archived)
        assert library.services.cleanup.run()["checksums_noted"] == 1
        assert library.services.cleanup.run()["checksums_noted"] == 0
        move(library, name, StandardBlobTier.HOT)
        assert library.services.cleanup.run()["checksums_noted"] == 1
        for clip in (archived, other):
            blob = library.services.blobs.get(library.containers.clips, clip.blob_name or "")
            assert blob.content_md5 == b64encode(md5(film).digest()).decode()

    def test_clip_archived_during_the_run_does_not_stop_the_others(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        services = library.services
        archived, other = (sent_in_blocks(library, film) for _ in range(2))
        archive(library, archived)
        upkeep = Upkeep(services.database)
        assert Checksums(clock, services.blobs, services.containers, upkeep).run().done == 1
        assert upkeep.clips_without_md5((), 10, 2**40) == [archived.blob_name]
        assert other.blob_name != archived.blob_name

    def test_archived_clip_can_be_deleted(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        archive(library, clip)
        library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
        assert library.everything_stored() == set()
