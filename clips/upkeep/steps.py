"""Steps of the cleanup that are small."""

from collections.abc import Sequence
from datetime import timedelta

from clips.cutting.source_ingest import SourceIngest
from clips.ingest.ingest import Ingest
from clips.upkeep.items import Tally, each, from_batches
from clips.upkeep.time_limit import STEP_SECONDS, for_seconds
from shared.blob_names.containers import Containers
from shared.catalogue.links.grant_queries import Grants
from shared.catalogue.upkeep.upkeep_queries import AwaitedClip, Upkeep
from shared.clock import Clock
from shared.model.clip import UPLOAD_LIFE
from shared.storage.sdk.blobs import Blobs

# How long a clip may wait for its upload after the link to it has ended.
UPLOAD_GRACE = timedelta(hours=24)
# How long a grant stays on record after its link has expired.
GRANT_LIFE = timedelta(days=30)

_BATCH = 500
_GRANTS_AT_ONCE = 5000


class AbandonedUploads:
    """Deletes clips whose upload never came."""

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

        def next_batch(given: Sequence[AwaitedClip]) -> Sequence[AwaitedClip]:
            but = [clip.clip_id for clip in given]
            return self._upkeep.abandoned_uploads(before, but, _BATCH)

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


def process_sources(sources: SourceIngest) -> Tally:
    """Processes the sources whose event was lost, or whose run has died."""

    def process(blob_name: str) -> int:
        sources.landed(blob_name)
        return 1

    return each(
        sources.stalled(),
        process,
        lambda blob_name: f"source {blob_name}",
        may_go_on=for_seconds(STEP_SECONDS),
    )


def forget_grants(clock: Clock, grants: Grants) -> int:
    """Deletes the records of links that ended long ago."""
    before, may_go_on = clock() - GRANT_LIFE, for_seconds(STEP_SECONDS)
    forgotten = 0
    while may_go_on() and (more := grants.forget(before, _GRANTS_AT_ONCE)) > 0:
        forgotten += more
    return forgotten
