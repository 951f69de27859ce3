"""Makes the services that process blobs that land."""

from typing import TYPE_CHECKING
from uuid import UUID

from clips.cutting.results import CutResults
from clips.cutting.source_ingest import SourceIngest
from clips.ingest.image_writer import ImageWriter
from clips.ingest.ingest import Ingest
from shared.catalogue.cutting.cut_queries import Cuts
from shared.catalogue.cutting.source_landing_queries import SourceLandings
from shared.catalogue.ingest.landing_queries import Landings
from shared.model.blob import Blob

if TYPE_CHECKING:
    from clips.compose.services import Services


def make_ingest(services: "Services") -> Ingest:
    backends = services.backends
    landings = Landings(backends.database)

    def restore_row(blob: Blob, video_id: UUID) -> bool:
        return services.lost_clips.restore(blob, video_id)  # loaded for the first blob without one

    return Ingest(
        backends.clock,
        backends.account,
        backends.blobs,
        backends.containers,
        landings,
        ImageWriter(backends.blobs, backends.containers, landings),
        restore_row,
        CutResults(Cuts(backends.database), services.cuts_queue).judge,
        services.renditions.after_ingest,
    )


def make_source_ingest(services: "Services") -> SourceIngest:
    backends = services.backends
    landings = SourceLandings(backends.database)
    return SourceIngest(
        backends.clock,
        backends.account,
        backends.blobs,
        backends.containers,
        landings,
        ImageWriter(backends.blobs, backends.containers, landings),
    )
