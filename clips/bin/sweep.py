"""Removes blobs that appeared after a deletion, and copies in the bin that no row knows."""

import random
from datetime import timedelta

from clips.upkeep.deletion import Deletion
from clips.upkeep.items import Tally, each
from clips.upkeep.time_limit import STEP_SECONDS, for_seconds
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.blob_names.foreign import check_storable
from shared.catalogue.bin.sweep_queries import Sweeps, SweptClip, SweptVideo
from shared.storage.sdk.blobs import Blobs

# How long a deletion is noted: its owner gets 410 `gone_for_good` instead of 404.
NOTE_LIFE = timedelta(days=90)

_BATCH = 500
_FORGOTTEN_AT_ONCE = 5000

# Each run lists one part of the bin, chosen at random, so that no position has to be stored: the
# names that begin with these digits. With a cleanup every five minutes, each part is listed about
# once a day.
_PARTS = [f"{number:02x}" for number in range(256)]


class Sweep:
    def __init__(
        self, sweeps: Sweeps, deletion: Deletion, blobs: Blobs, containers: Containers
    ) -> None:
        self._sweeps = sweeps
        self._deletion = deletion
        self._blobs = blobs
        self._container = containers.bin

    def run(self) -> Tally:
        """Counts the clips and videos that were swept."""
        may_go_on = for_seconds(STEP_SECONDS)
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

    def wake_owners_of_copies(self, part: str | None = None) -> int:
        """Makes visible clips and videos due that have a copy in the bin; returns how many.

        Such a copy remains if a worker died after it had made the copy. Lists the names
        in the bin that begin with `part`.
        """
        woken = 0
        chosen = random.choice(_PARTS) if part is None else part  # noqa: S311 - no secret
        for page in self._blobs.pages(self._container, chosen):
            names = [blob.name for blob in page if not check_storable(blob.name)]
            clip_ids = [clip_id for name in names if (clip_id := blob_names.clip_id_of(name))]
            woken += self._sweeps.wake_owners(names, clip_ids)
        return woken

    def forget(self) -> int:
        """Deletes notes of deletions that are older than NOTE_LIFE; returns how many."""
        forgotten, may_go_on = 0, for_seconds(STEP_SECONDS)
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
