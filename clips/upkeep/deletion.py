"""Deletion: a clip is hidden at once, then its blobs are deleted, then its row.

Every step can be repeated, so a later run finishes what a crash interrupted: the mark on the row
says that there is work left, until the last step removes the row and the mark with it.
"""

import logging
from datetime import timedelta
from uuid import UUID

from clips.links.access import UPLOAD_LIFE
from shared import blob_names
from shared.blob_names import Containers
from shared.catalogue import Clips, DeletedClip, Upkeep, Videos
from shared.errors import Unavailable, no_such_clip, no_such_video
from shared.model import Viewer
from shared.storage import Blobs

_log = logging.getLogger(__name__)

# A run of the blob trigger that was under way may still write an image: 30 minutes is the
# longest that host.json lets it live.
_LATE_RUN = timedelta(minutes=30)


class Deletion:
    def __init__(
        self,
        blobs: Blobs,
        containers: Containers,
        clips: Clips,
        videos: Videos,
        upkeep: Upkeep,
    ) -> None:
        self._blobs = blobs
        self._containers = containers
        self._clips = clips
        self._videos = videos
        self._upkeep = upkeep

    def delete_clip(self, viewer: Viewer, clip_id: UUID) -> None:
        """Raises NotFound. An outage half-way is no error: the clip is gone for its owner."""
        clip = self._clips.hide(viewer, clip_id)
        if clip is None:
            raise no_such_clip()
        try:
            self.finish_clip(
                DeletedClip(clip_id=clip.id, video_id=clip.video_id, blob_name=clip.blob_name)
            )
        except Unavailable:
            _log.warning("Clip %s is hidden; the cleanup will remove the rest", clip_id)

    def delete_video(self, viewer: Viewer, video_id: UUID) -> None:
        """Deletes a video with all its clips; raises NotFound, otherwise as `delete_clip`."""
        if not self._videos.hide(viewer, video_id):
            raise no_such_video()
        try:
            self.finish_video(video_id)
        except Unavailable:
            _log.warning("Video %s is hidden; the cleanup will remove the rest", video_id)

    def finish_clip(self, clip: DeletedClip) -> None:
        """Removes the blobs of a hidden clip, then its row; raises Unavailable."""
        self.remove_blobs(clip)
        self._upkeep.forget_clip(clip.clip_id, late_run=_LATE_RUN, upload_life=UPLOAD_LIFE)

    def finish_video(self, video_id: UUID) -> None:
        """Removes all blobs of a hidden video and of its clips, then the rows."""
        # A UUID has one length: no other video's name begins with it.
        self._blobs.delete_prefix(self._containers.clips, f"{video_id}/")
        self._blobs.delete_prefix(self._containers.thumbnails, f"{video_id}/")
        self._blobs.delete_prefix(self._containers.videos, str(video_id))
        self._upkeep.forget_video(video_id, late_run=_LATE_RUN, upload_life=UPLOAD_LIFE)

    def remove_blobs(self, clip: DeletedClip) -> None:
        """Removes a clip's own blob and every image made from it."""
        if clip.blob_name is not None:
            self._blobs.delete(self._containers.clips, clip.blob_name)
        self._blobs.delete_prefix(
            self._containers.thumbnails, blob_names.images_prefix(clip.video_id, clip.clip_id)
        )
