"""Moves the bytes of a clip, or the file of a video, into the bin container and back.

Every step can be repeated, and is for one version of a blob. The copy is verified and noted in the
row before the original is deleted, and the row is only changed with its lease token. So at any
moment the bytes are in at least one of the two containers, even if a worker dies or two work at
once; and a row whose bytes are in the wrong container is due.
"""

import logging
from uuid import UUID

from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.bin.deletion_queries import Deletions, DueClip
from shared.catalogue.bin.video_deletion_queries import DueVideo
from shared.errors import BlobMissing
from shared.model.blob import Blob
from shared.storage.files.stored import Place
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blob_copies import BlobCopies
from shared.storage.sdk.blobs import Blobs

_log = logging.getLogger(__name__)


class BinMover:
    def __init__(
        self,
        account: StorageAccount,
        blobs: Blobs,
        copies: BlobCopies,
        containers: Containers,
        deletions: Deletions,
    ) -> None:
        self._account = account
        self._blobs = blobs
        self._copies = copies
        self._containers = containers
        self._deletions = deletions

    def into_bin(self, clip: DueClip) -> bool:
        """Moves a clip's bytes into the bin and deletes its images.

        Returns False if the clip no longer belongs in the bin. Raises BlobHeld, BlobChanged,
        BlobMissing, StorageUnavailable; the caller tries again later.
        """
        original = self._find(self._containers.clips, clip.blob_name)
        images = self._images(self._containers.thumbnails, clip.video_id, clip.id)
        # No link can read the bytes of an archived clip, so they stay where they are. No images can
        # be made from them either.
        archived = original is not None and original.archived
        for image in images:
            if archived or blob_names.is_legacy_thumbnail(image.name):
                self._copy(self._containers.thumbnails, image, self._containers.bin)
        if original is None:
            noted = self._note_copy(clip)
        elif archived:
            noted = self._deletions.note_archived(clip)
        else:
            noted = self._copy_into_bin(clip, original)
        if not noted:
            return False
        if original is not None and not archived:
            self._blobs.delete_version(self._containers.clips, original)
        self._copies.delete_all(self._containers.thumbnails, images)
        return self._deletions.mark_clip_done(clip)

    def out_of_bin(self, clip: DueClip) -> bool:
        """Moves a clip's bytes back; its ingest makes the images anew. As `into_bin`."""
        images = self._images(self._containers.bin, clip.video_id, clip.id)
        for image in images:
            self._copy(self._containers.bin, image, self._containers.thumbnails)
        self._copies.delete_all(self._containers.bin, images)
        if clip.bin_etag is None:
            self._remove_unknown_copies(clip)
        elif clip.blob_name is not None and not self._copy_back(clip.blob_name):
            _log.error("The bytes of a restored clip are missing: %s", clip.blob_name)
            return self._deletions.note_lost(clip)
        return self._deletions.note_restored(clip)

    def source_into_bin(self, video: DueVideo) -> bool:
        """Moves the file of a video into the bin and deletes its images. As `into_bin`."""
        images = self._images(self._containers.thumbnails, video.id, video.id)
        for original in self._sources(self._containers.videos, video.id):
            if original.archived:
                continue
            copy = self._copy(self._containers.videos, original, self._containers.bin)
            if not self._deletions.videos.note_source_in_bin(video, copy):
                return False
            self._blobs.delete_version(self._containers.videos, original)
        if not self._deletions.videos.still_holds(video):
            return False
        self._copies.delete_all(self._containers.thumbnails, images)
        return True

    def source_out_of_bin(self, video: DueVideo) -> bool:
        """Moves the file of a video back. As `into_bin`."""
        for copy in self._sources(self._containers.bin, video.id):
            self._bring_back(copy, self._containers.videos)
            self._blobs.delete_version(self._containers.bin, copy)
        self._deletions.videos.note_source_restored(video)
        return self._deletions.videos.still_holds(video)

    def _copy_into_bin(self, clip: DueClip, original: Blob) -> bool:
        name = self._name_in_bin(clip, original.name)
        copy = self._copy(self._containers.clips, original, self._containers.bin, name)
        url = self._account.url(self._containers.clips, name)
        if self._deletions.note_in_bin(clip, copy, url):
            return True
        self._blobs.delete_version(self._containers.bin, copy)
        return False

    def _note_copy(self, clip: DueClip) -> bool:
        """Notes a copy whose original is gone: a worker died before it could note the copy."""
        copies = self._copies_of(clip) if clip.bin_etag is None else []
        if not copies:
            return self._deletions.is_still_hidden(clip)
        url = self._account.url(self._containers.clips, copies[0].name)
        return self._deletions.note_in_bin(clip, copies[0], url)

    def _remove_unknown_copies(self, clip: DueClip) -> None:
        """Deletes copies in the bin that no row knows, if the clip's bytes are in place.

        If those bytes have been lost, a copy is moved back first.
        """
        for copy in self._copies_of(clip):
            name = clip.blob_name or copy.name
            if self._find(self._containers.clips, name) is None:
                target = Place(self._containers.clips, name)
                self._copies.copy(Place(self._containers.bin, copy.name), copy, target)
            _log.info(
                "The copy was removed from the bin, because its clip is not in the bin: %s",
                copy.name,
            )
            self._blobs.delete_version(self._containers.bin, copy)

    def _copies_of(self, clip: DueClip) -> list[Blob]:
        """The blobs in the bin that may hold the bytes of a clip, the newest first."""
        name = clip.blob_name
        if name is None:
            return []
        prefix = blob_names.images_prefix(clip.video_id, clip.id)
        found = [
            blob
            for page in self._blobs.pages(self._containers.bin, prefix)
            for blob in page
            if blob_names.clip_id_of(blob.name) == clip.id
            and (blob.name == name or not self._deletions.is_name_taken(blob.name, clip))
        ]
        if not name.startswith(prefix) and (other := self._find(self._containers.bin, name)):
            found.append(other)
        return sorted(found, key=lambda blob: blob.last_modified, reverse=True)

    def _name_in_bin(self, clip: DueClip, name: str) -> str:
        """The service's own name of the copy: another tool can then use the first name again."""
        own = blob_names.clip_blob(clip.video_id, clip.id, blob_names.extension_of(name))
        return name if own == name or self._deletions.is_name_taken(own, clip) else own

    def _copy_back(self, name: str) -> bool:
        """Returns False if the bytes are in neither container."""
        copy = self._find(self._containers.bin, name)
        if copy is None:
            present = self._find(self._containers.clips, name)
            if present is not None:
                self._rewrite(self._containers.clips, present)
            return present is not None
        self._bring_back(copy, self._containers.clips)
        self._blobs.delete_version(self._containers.bin, copy)
        return True

    def _bring_back(self, copy: Blob, container: str) -> None:
        """Copies a blob out of the bin, unless a blob of that name exists.

        Such a blob is as new, or newer. The copy is a new version, so a worker that still wants to
        delete the old one does not find it.
        """
        present = self._find(container, copy.name)
        if present is None:
            place = Place(container, copy.name)
            self._copies.copy(Place(self._containers.bin, copy.name), copy, place)
        else:
            self._rewrite(container, present)

    def _rewrite(self, container: str, blob: Blob) -> None:
        """Writes a blob again as a new version, which causes an event as an upload does."""
        place = Place(container, blob.name)
        if not blob.archived:
            self._copies.copy(place, blob, place, over=blob)

    def _copy(self, container: str, original: Blob, target: str, name: str | None = None) -> Blob:
        """Returns the verified copy of a blob in another container; makes it if necessary."""
        place = Place(target, name or original.name)
        present = self._find(place.container, place.name)
        # Only a copy that was made after the last change of the original counts. Times are whole
        # seconds, so within the same second the order is unknown.
        is_copy = present is not None and present.last_modified > original.last_modified
        if present is not None and is_copy and _same_bytes(present, original):
            return present
        return self._copies.copy(Place(container, original.name), original, place, over=present)

    def _images(self, container: str, video_id: UUID, clip_id: UUID) -> list[Blob]:
        """Everything that was made from a clip, except its sidecar."""
        prefix = blob_names.images_prefix(video_id, clip_id)
        return [
            blob
            for page in self._blobs.pages(container, prefix)
            for blob in page
            if _belongs_to(blob.name, prefix) and not blob_names.is_sidecar(blob.name)
        ]

    def _sources(self, container: str, video_id: UUID) -> list[Blob]:
        """All files of a video, whatever their extension."""
        prefix = blob_names.source_blob(video_id, "")
        return [
            blob
            for page in self._blobs.pages(container, prefix)
            for blob in page
            if blob_names.video_id_of_source(blob.name) == video_id
        ]

    def _find(self, container: str, name: str | None) -> Blob | None:
        if name is None:
            return None
        try:
            return self._blobs.get(container, name)
        except BlobMissing:
            return None


def _belongs_to(name: str, prefix: str) -> bool:
    """Whether a blob is an image of the clip.

    In the bin, the name of the clip's own blob begins like those of its images.
    """
    return name.removeprefix(prefix)[:1] in {"/", "_"}


def _same_bytes(copy: Blob, original: Blob) -> bool:
    return (copy.size, copy.content_md5) == (original.size, original.content_md5)
