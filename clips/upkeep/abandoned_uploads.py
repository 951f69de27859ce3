"""Deletes clips that were announced, but whose upload never arrived."""

from collections.abc import Sequence
from datetime import timedelta

from clips.ingest.ingest import Ingest
from clips.upkeep.items import Tally, each, from_batches
from clips.upkeep.time_limit import STEP_SECONDS, for_seconds
from shared.blob_names.containers import Containers
from shared.catalogue.upkeep.upkeep_queries import AwaitedClip, Upkeep
from shared.clock import Clock
from shared.model.clip import UPLOAD_LIFE
from shared.storage.sdk.blobs import Blobs

# How long a clip may wait for its upload after the link to it has ended.
UPLOAD_GRACE = timedelta(hours=24)

_BATCH = 500


class AbandonedUploads:
    def __init__(
        self, clock: Clock, blobs: Blobs, containers: Containers, upkeep: Upkeep, ingest: Ingest
    ) -> None:
        self._clock = clock
        self._blobs = blobs
        self._container = containers.clips
        self._upkeep = upkeep
        self._ingest = ingest

    def run(self) -> Tally:
        before = self._clock() - UPLOAD_LIFE - UPLOAD_GRACE

        def next_batch(earlier: Sequence[AwaitedClip]) -> Sequence[AwaitedClip]:
            excluded = [clip.clip_id for clip in earlier]
            return self._upkeep.abandoned_uploads(before, excluded, _BATCH)

        clips = from_batches(next_batch)
        return each(
            clips,
            self._drop,
            lambda clip: f"clip {clip.clip_id}",
            may_go_on=for_seconds(STEP_SECONDS),
        )

    def _drop(self, clip: AwaitedClip) -> int:
        if self._blobs.exists(self._container, clip.blob_name):
            # The upload did arrive, but its event was lost.
            self._ingest.landed(clip.blob_name)
            return 0
        return self._upkeep.hide_abandoned(clip.clip_id)
