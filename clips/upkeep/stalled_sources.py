"""Processes the sources of videos that the blob trigger did not finish."""

from clips.cutting.source_ingest import SourceIngest
from clips.upkeep.items import Tally, each
from clips.upkeep.time_limit import STEP_SECONDS, for_seconds


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
