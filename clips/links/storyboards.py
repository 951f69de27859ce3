"""Storyboards for players: a WebVTT whose cues carry signed URLs of the sheet.

In the stored file the URLs of the cues are relative, and a relative URL does not inherit the
signature of the file that holds it. So a copy with full URLs is kept in the temp container while
its links are valid; the cleanup removes it by its `expires_at`. All requests within one window
share a copy.
"""

import hashlib
from datetime import timedelta
from uuid import UUID

from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.links.grant_queries import Grant, Grants
from shared.clock import Clock
from shared.errors import NotFound
from shared.model.blob import Blob
from shared.model.clip import ClipFile
from shared.model.link import SignedLink, Variant
from shared.model.user import Viewer
from shared.storage.sdk.blobs import Blobs
from shared.storage.signing.signed_links import Links, LinkTerms


class Storyboards:
    def __init__(
        self, clock: Clock, blobs: Blobs, containers: Containers, links: Links, grants: Grants
    ) -> None:
        self._clock = clock
        self._blobs = blobs
        self._containers = containers
        self._links = links
        self._grants = grants

    def link(self, viewer: Viewer, clip: ClipFile, life: timedelta, ip: str | None) -> SignedLink:
        """A link to a VTT that a player can load, and with it the sheet of tiles.

        The link to the sheet inside the VTT is then recorded; the link to the VTT is not yet.
        Raises NotFound if the clip has no storyboard, BlobMissing and BlobChanged if it is being
        replaced at this moment, StorageUnavailable.
        """
        if clip.images.storyboard_name is None:
            raise NotFound("The clip has no storyboard.")
        name = clip.images.storyboard_name
        return self.link_to(viewer, clip.video_id, clip.id, name, life, ip)

    def link_to(
        self,
        viewer: Viewer,
        video_id: UUID,
        owner_id: UUID,
        cues_name: str,
        life: timedelta,
        ip: str | None = None,
    ) -> SignedLink:
        """As `link`, for the storyboard of a clip or of a video's source, `owner_id`."""
        now, terms = self._clock(), LinkTerms(ip=ip)
        name = blob_names.storyboard_sheet(video_id, owner_id)
        sheet = self._links.to_read(self._containers.thumbnails, name, life, terms, now=now)
        self._grants.record(viewer.user_id, [Grant(sheet, owner_id, Variant.STORYBOARD, ip)])
        cues = self._blobs.get(self._containers.thumbnails, cues_name)
        copy = blob_names.signed_storyboard(owner_id, _key(cues, sheet))
        if not self._blobs.exists(self._containers.temp, copy):
            self._write(copy, cues, sheet)
        return self._links.to_read(self._containers.temp, copy, life, terms, now=now)

    def _write(self, name: str, cues: Blob, sheet: SignedLink) -> None:
        text = self._blobs.reader(self._containers.thumbnails, cues).read(0, cues.size).decode()
        self._blobs.put(
            self._containers.temp,
            name,
            text.replace(blob_names.STORYBOARD_SHEET, sheet.url).encode(),
            "text/vtt",
            replace=True,  # a concurrent request writes the same
            metadata={"expires_at": sheet.expires_at.isoformat()},
        )


def _key(cues: Blob, sheet: SignedLink) -> str:
    """The name of the copy for this version of the cues and this address."""
    return hashlib.blake2b(f"{cues.etag}\n{sheet.url}".encode(), digest_size=16).hexdigest()
