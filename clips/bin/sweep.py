"""Removes what appeared under the names of deleted clips and videos after they were deleted."""

from datetime import timedelta

from clips.bin.worker import seconds
from clips.upkeep.deletion import Deletion
from clips.upkeep.items import Tally, each
from shared.catalogue.sweep_queries import Sweeps, SweptClip, SweptVideo

# For how long an owner gets 410 `gone_for_good` instead of 404.
NOTE_LIFE = timedelta(days=90)

_BATCH = 500
_STEP_SECONDS = 60.0
_FORGOTTEN_AT_ONCE = 5000


class Sweep:
    def __init__(self, sweeps: Sweeps, deletion: Deletion) -> None:
        self._sweeps = sweeps
        self._deletion = deletion

    def run(self) -> Tally:
        """Counts the clips and videos that were swept."""
        may_go_on = seconds(_STEP_SECONDS)
        tally = each(
            self._sweeps.due_clips(_BATCH),
            self._sweep_clip,
            lambda clip: f"clip {clip.clip_id}",
            may_go_on=may_go_on,
            postpone=lambda clip: self._sweeps.postpone_clip(clip.clip_id),
        )
        tally.add(
            each(
                self._sweeps.due_videos(_BATCH),
                self._sweep_video,
                lambda video: f"video {video.video_id}",
                may_go_on=may_go_on,
                postpone=lambda video: self._sweeps.postpone_video(video.video_id),
            )
        )
        return tally

    def forget(self) -> int:
        """Drops old notes; counts them."""
        forgotten, may_go_on = 0, seconds(_STEP_SECONDS)
        while may_go_on() and (more := self._sweeps.forget(NOTE_LIFE, _FORGOTTEN_AT_ONCE)):
            forgotten += more
        return forgotten

    def _sweep_clip(self, clip: SweptClip) -> int:
        if not clip.exists_again:
            self._deletion.remove_blobs(clip.clip_id, clip.video_id, clip.blob_name)
        self._sweeps.clip_swept(clip.clip_id)
        return 1

    def _sweep_video(self, video: SweptVideo) -> int:
        if not video.exists_again:
            self._deletion.remove_blobs_of_video(video.video_id)
        self._sweeps.video_swept(video.video_id)
        return 1
