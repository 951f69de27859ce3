"""Stills of a clip by time and size: links to images that exist, or are made once and kept.

Requests are rounded to a grid, so that no caller can fill the account: four widths, two formats,
and at most 1000 points in time for each clip.
"""

import math
from datetime import timedelta
from uuid import UUID

from clips.ingest.allocator import returning_memory
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.library.clip_queries import Clips
from shared.catalogue.links.grant_queries import Grant, Grants
from shared.errors import BlobArchived, BlobExists, NotFound, UnplayableClip
from shared.model.blob import Blob
from shared.model.clip import Clip, ready_blob
from shared.model.link import SignedLink, StillOptions, Variant
from shared.model.user import Viewer
from shared.refusals import no_such_clip
from shared.storage.sdk.blobs import Blobs
from shared.storage.signing.signed_links import Links

_MAX_TIMES = 1000
_FINEST_STEP = 0.1  # seconds
_LINK_LIFE = timedelta(hours=24)
_STILL = "thumbnail"


class Thumbnails:
    def __init__(
        self, blobs: Blobs, containers: Containers, links: Links, clips: Clips, grants: Grants
    ) -> None:
        self._blobs = blobs
        self._containers = containers
        self._links = links
        self._clips = clips
        self._grants = grants

    def link(self, viewer: Viewer, clip_id: UUID, options: StillOptions) -> SignedLink:
        """A link to the still, which is made if it does not exist; the link is on record.

        Raises NotFound if there is no such clip or it has no picture, WrongState if it is not
        ready, BlobArchived or Busy if the still has to be made first, StorageUnavailable.
        """
        clip = self._clips.get(viewer, clip_id)
        if clip is None:
            raise no_such_clip()
        blob_name = ready_blob(clip)
        name = (
            _stored_poster(clip, options)
            if options.time is None
            else self._frame(clip, blob_name, options.time, options)
        )
        link = self._links.to_read(self._containers.thumbnails, name, _LINK_LIFE)
        variant = Variant.POSTER if options.time is None else _STILL
        self._grants.record(viewer.user_id, [Grant(link, clip_id, variant, None)])
        return link

    def _frame(self, clip: Clip, blob_name: str, time: float, options: StillOptions) -> str:
        """The name of the still at a time, after making it if it is not there."""
        blob = self._blobs.get(self._containers.clips, blob_name)
        seconds = on_grid(time, clip.duration or 0)
        name = blob_names.thumbnail(
            clip.video_id,
            clip.id,
            etag=blob.etag,
            milliseconds=round(seconds * 1000),
            width=options.width,
            image_format=options.image_format,
        )
        if not self._blobs.exists(self._containers.thumbnails, name):
            if blob.archived:
                raise BlobArchived("The clip is archived, so no still can be made.")
            self._make(blob, name, seconds, options)
        return name

    def _make(self, blob: Blob, name: str, seconds: float, options: StillOptions) -> None:
        from shared import media

        reader = self._blobs.reader(self._containers.clips, blob)
        try:
            with returning_memory(), media.opened(reader) as file:
                picture = file.frame_at(seconds, options.width, options.image_format)
        except UnplayableClip as error:
            raise NotFound("There is no picture at that time.") from error
        try:
            self._blobs.put(
                self._containers.thumbnails,
                name,
                picture,
                options.image_format.media_type,
                replace=False,
            )
        except BlobExists:
            return  # a concurrent request made the same still


def on_grid(time: float, duration: float) -> float:
    """The point of the grid at or before `time`, within the clip; all in seconds."""
    step = max(_FINEST_STEP, duration / _MAX_TIMES)
    return round(math.floor(min(time, duration) / step + 1e-9) * step, 3)


def _stored_poster(clip: Clip, options: StillOptions) -> str:
    """The stored size that is just wide enough, or the widest."""
    if clip.images.poster_name is None:
        raise NotFound("The clip has no poster.")
    if not clip.images.poster_widths:
        return clip.images.poster_name
    enough = [width for width in clip.images.poster_widths if width >= options.width]
    width = enough[0] if enough else clip.images.poster_widths[-1]
    return blob_names.poster_size(clip.video_id, clip.id, width, options.image_format)
