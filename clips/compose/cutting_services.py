"""Makes the services that cut clips and make copies of them."""

from typing import TYPE_CHECKING

from clips.cutting.cuts import Cutting
from clips.cutting.cutter import Cutter
from clips.cutting.films import FilmWriter
from clips.cutting.sources import VideoSources
from clips.cutting.worker import CutWorker
from clips.renditions.maker import RenditionMaker
from clips.renditions.renditions import RenditionJobs, RenditionPolicy
from clips.renditions.requests import RenditionRequests
from shared.catalogue.cutting.cut_order_queries import CutOrders
from shared.catalogue.cutting.cut_queries import Cuts
from shared.catalogue.cutting.cut_source_queries import CutSources
from shared.catalogue.cutting.rendition_queries import Renditions
from shared.catalogue.cutting.source_queries import Sources
from shared.storage.files.composition import Composer
from shared.storage.rest import RETRY_FOR_MINUTES, RETRY_FOR_SECONDS, RetryPolicy
from shared.storage.sdk.queue import Queue

if TYPE_CHECKING:
    from clips.compose.services import Services
    from clips.compose.shared_parts import SharedParts


def make_sources(services: "Services") -> VideoSources:
    backends = services.backends
    return VideoSources(
        Sources(backends.database),
        services.library,
        services.access,
        services.storyboards,
        backends.api_blobs,
        backends.containers,
    )


def make_cutting(services: "Services") -> Cutting:
    backends = services.backends
    writer = _film_writer(services, RETRY_FOR_SECONDS)
    return Cutting(
        CutOrders(backends.database),
        Cuts(backends.database),
        CutSources(backends.database),
        services.library,
        backends.account,
        backends.containers,
        services.cuts_queue,
        Cutter(backends.api_blobs, backends.containers, writer),
        services.ingest,
        # Half of the threads stay free for other calls.
        most_calls=max(1, services.settings.handler_threads // 2),
    )


def make_cut_worker(services: "Services") -> CutWorker:
    backends = services.backends
    cutter = Cutter(backends.blobs, backends.containers, services.film_writer)
    return CutWorker(Cuts(backends.database), services.cuts_queue, cutter)


def make_renditions(services: "Services") -> RenditionJobs:
    backends = services.backends
    renditions = Renditions(backends.database)
    queue = Queue(backends.account, backends.containers.renditions_queue)
    return RenditionJobs(
        renditions,
        RenditionRequests(renditions, services.library, queue),
        services.library,
        queue,
        RenditionMaker(backends.blobs, backends.containers, services.film_writer),
        RenditionPolicy(services.settings.renditions),
    )


def make_film_writer(parts: "SharedParts") -> FilmWriter:
    return _film_writer(parts, RETRY_FOR_MINUTES)


def _film_writer(parts: "SharedParts", retry_policy: RetryPolicy) -> FilmWriter:
    composer = Composer(parts.backends.account, parts.account_links, retry_policy)
    return FilmWriter(composer, parts.settings.video_encoder)
