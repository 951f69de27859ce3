"""Permanent deletion: first the blobs of a clip or video that is being deleted, then its rows.

Every step can be repeated, so a later run finishes what a crash interrupted: the mark on the row
says that there is work left, until the last step removes the row and the mark with it.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.bin.bin_queries import Bin
from shared.catalogue.bin.deletion_queries import Deletions
from shared.errors import BlobHeld, Unavailable
from shared.model.clip import UPLOAD_LIFE
from shared.model.user import Viewer
from shared.storage.sdk.blobs import Blobs

# A run of the blob trigger that was under way may still write an image: 30 minutes is the
# longest that host.json lets it live.
_LATE_RUN = timedelta(minutes=30)
# How many rows one statement deletes.
_ROWS_AT_ONCE = 2000


class Deletion:
    def __init__(self, blobs: Blobs, containers: Containers, deletions: Deletions) -> None:
        self._blobs = blobs
        self._containers = containers
        self._deletions = deletions

    def finish_clip(self, clip_id: UUID, video_id: UUID, blob_name: str | None) -> bool:
        """Deletes the blobs of a clip that is being deleted, then its row.

        Raises BlobHeld, Unavailable.
        """
        self.remove_blobs(clip_id, video_id, blob_name)
        self._deletions.forget_clips([clip_id], late_run=_LATE_RUN, upload_life=UPLOAD_LIFE)
        return True

    def finish_video(self, video_id: UUID, may_go_on: Callable[[], bool] = lambda: True) -> bool:
        """Deletes all blobs of a video that is being deleted and of its clips, then the rows.

        False if the time was up before. Raises BlobHeld, Unavailable.
        """
        if not self.remove_blobs_of_video(video_id, may_go_on):
            return False
        while self._deletions.videos.forget_clips(video_id, _ROWS_AT_ONCE):
            if not may_go_on():
                return False
        self._deletions.videos.forget(video_id, late_run=_LATE_RUN, upload_life=UPLOAD_LIFE)
        return True

    def remove_blobs(self, clip_id: UUID, video_id: UUID, blob_name: str | None) -> None:
        """Deletes a clip's own blob and every image of it; its sidecar is deleted with the row."""
        if blob_name is not None:
            self._blobs.delete(self._containers.clips, blob_name)
            self._blobs.delete(self._containers.bin, blob_name)
        prefix = blob_names.images_prefix(video_id, clip_id)
        self._blobs.delete_prefix(self._containers.thumbnails, prefix, keep=blob_names.is_sidecar)
        self._blobs.delete_prefix(self._containers.bin, prefix)

    def remove_blobs_of_video(
        self, video_id: UUID, may_go_on: Callable[[], bool] = lambda: True
    ) -> bool:
        """As `remove_blobs`, for a video with all its clips; False if the time was up first."""
        problems: list[BlobHeld | Unavailable] = []
        for container, prefix in (
            # A UUID has one length: no other video's name begins with it.
            (self._containers.clips, f"{video_id}/"),
            (self._containers.thumbnails, f"{video_id}/"),
            (self._containers.videos, str(video_id)),
            (self._containers.bin, str(video_id)),
        ):
            try:
                # Sidecars are deleted when their rows are.
                self._blobs.delete_prefix(container, prefix, may_go_on, keep=blob_names.is_sidecar)
            except (BlobHeld, Unavailable) as problem:
                problems.append(problem)
            if not may_go_on():
                break
        if problems:
            raise problems[0]
        return may_go_on()


class ClipRemover:
    """Deletes single clips permanently within a call: for the Python API, which has no bin."""

    def __init__(self, bin_: Bin, deletion: Deletion) -> None:
        self._bin = bin_
        self._deletion = deletion

    def remove(self, viewer: Viewer, clip_id: UUID) -> None:
        """A clip that is absent, or another user's, stays as it is; raises BlobHeld, Unavailable.

        It is hidden at once, and the cleanup of the app continues with what is left.
        """
        hidden, _ = self._bin.hide_clips(viewer, [clip_id], permanent=True)
        for clip in hidden:
            self._deletion.finish_clip(clip.id, clip.video_id, clip.blob_name)
