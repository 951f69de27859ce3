"""Deletion: a clip is hidden at once, then its blobs are deleted, then its row.

Every step can be repeated, so a later run finishes what a crash interrupted: the mark on the row
says that there is work left, until the last step removes the row and the mark with it.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from shared import blob_names
from shared.blob_names import Containers
from shared.catalogue import Clips, DeletedClip, Upkeep, Videos
from shared.errors import BlobHeld, Unavailable, no_such_clip, no_such_video
from shared.model import UPLOAD_LIFE, Viewer
from shared.storage import Blobs

_log = logging.getLogger(__name__)

# A run of the blob trigger that was under way may still write an image: 30 minutes is the
# longest that host.json lets it live.
_LATE_RUN = timedelta(minutes=30)
# Seconds that a caller waits for blobs to be deleted. What is left then is up to the cleanup.
_CALLER_WAITS = 4.0


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
        """Raises NotFound. What cannot be deleted yet is no error: its owner no longer sees it."""
        clip = self._clips.hide(viewer, clip_id)
        if clip is None:
            raise no_such_clip()
        hidden = DeletedClip(clip_id=clip.id, video_id=clip.video_id, blob_name=clip.blob_name)
        self._finish(f"Clip {clip_id}", lambda until: self.finish_clip(hidden, until))

    def delete_video(self, viewer: Viewer, video_id: UUID) -> None:
        """Deletes a video with all its clips; raises NotFound, otherwise as `delete_clip`."""
        if not self._videos.hide(viewer, video_id):
            raise no_such_video()
        self._finish(f"Video {video_id}", lambda until: self.finish_video(video_id, until))

    def finish_clip(self, clip: DeletedClip, may_go_on: Callable[[], bool] = lambda: True) -> bool:
        """Deletes the blobs of a hidden clip, then its row; False if the time was up before.

        Raises BlobHeld, Unavailable.
        """
        self.remove_blobs(clip, may_go_on)
        if not may_go_on():
            return False
        self._upkeep.forget_clip(clip.clip_id, late_run=_LATE_RUN, upload_life=UPLOAD_LIFE)
        return True

    def finish_video(self, video_id: UUID, may_go_on: Callable[[], bool] = lambda: True) -> bool:
        """Deletes all blobs of a hidden video and of its clips, then the rows; as `finish_clip`."""
        problems: list[BlobHeld | Unavailable] = []
        for container, prefix in (
            # A UUID has one length: no other video's name begins with it.
            (self._containers.clips, f"{video_id}/"),
            (self._containers.thumbnails, f"{video_id}/"),
            (self._containers.videos, str(video_id)),
        ):
            try:
                # Sidecars are deleted when their rows are.
                self._blobs.delete_prefix(container, prefix, may_go_on, keep=blob_names.is_sidecar)
            except (BlobHeld, Unavailable) as problem:
                problems.append(problem)
            if not may_go_on():
                return False
        if problems:
            raise problems[0]
        self._upkeep.forget_video(video_id, late_run=_LATE_RUN, upload_life=UPLOAD_LIFE)
        return True

    def remove_blobs(self, clip: DeletedClip, may_go_on: Callable[[], bool] = lambda: True) -> None:
        """Deletes a clip's own blob and every image made from it; the sidecar goes with the row."""
        if clip.blob_name is not None:
            self._blobs.delete(self._containers.clips, clip.blob_name)
        prefix = blob_names.images_prefix(clip.video_id, clip.clip_id)
        self._blobs.delete_prefix(
            self._containers.thumbnails, prefix, may_go_on, keep=blob_names.is_sidecar
        )

    def _finish(self, what: str, finish: Callable[[Callable[[], bool]], bool]) -> None:
        """Does as much as a caller can wait for; the mark on the row remains for the rest."""
        deadline = time.monotonic() + _CALLER_WAITS
        try:
            if not finish(lambda: time.monotonic() < deadline):
                _log.info("%s is hidden; the cleanup deletes the rest", what)
        except BlobHeld:
            _log.warning("%s is hidden, its blobs are kept by a policy", what)
        except Unavailable:
            _log.warning("%s is hidden; the cleanup deletes the rest", what)
        except Exception:  # noqa: BLE001 - logged; the clip is gone for its owner already
            _log.exception("%s is hidden; the cleanup deletes the rest", what)
