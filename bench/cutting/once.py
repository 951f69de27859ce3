"""Cuts in a separate process, whose peak memory is that of the cut: see bench/cutting.

python -m bench.cutting.once cut BLOB_NAME START END
python -m bench.cutting.once many BLOB_NAME VIDEO_ID COUNT SECONDS
python -m bench.cutting.once bare BLOB_NAME COUNT SECONDS
python -m bench.cutting.once encode FILE
python -m bench.cutting.once tool COMMAND...

Prints JSON: wall and CPU seconds, the peak of resident memory in MB, and `copying`, the seconds in
which storage copied.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

from bench.memory import peak_megabytes
from bench.process import run_tools
from clips.compose import Backends, compose_on, open_backends
from clips.cutting.cuts import Cutting
from clips.cutting.cutter import Cutter
from clips.cutting.films import FilmWriter
from clips.cutting.local_command import OpenedFile
from shared.catalogue.cutting.cut_order_queries import CutOrders
from shared.catalogue.cutting.cut_queries import Cuts
from shared.catalogue.cutting.cut_source_queries import CutSources
from shared.catalogue.library.user_queries import Users
from shared.clock import utc_now
from shared.errors import CliplinkError
from shared.media import Limits
from shared.media.cutting.by_index.mp4_film import read_film
from shared.media.cutting.clip_maker import CutRange, encode_clip
from shared.model.blob import Blob
from shared.model.clip import ClipStatus, ShownClip
from shared.model.cut_method import Accuracy
from shared.model.cutting import CutDraft, CutOrder, CutSource
from shared.model.user import Viewer
from shared.settings import read_environment
from shared.storage.blob_reader import BlobReader
from shared.storage.files.composition import BlobDraft, Composer, SourceRange
from shared.storage.files.stored import Place
from shared.storage.rest import RETRY_FOR_MINUTES
from shared.storage.sdk.blobs import Blobs
from shared.storage.sdk.queue import Queue
from shared.storage.signing.signed_links import Links

type Report = dict[str, float]


class TimedComposer(Composer):
    """Adds up the time in which storage copies, to tell it from the time of the app."""

    copying = 0.0

    def draft(self, place: Place, check: Callable[[], None] = lambda: None) -> BlobDraft:
        draft = super().draft(place, check)
        copy = draft.copy

        def timed(ranges: Sequence[SourceRange], beginning: bytes | None = None) -> None:
            began = time.perf_counter()
            try:
                copy(ranges, beginning)
            finally:
                self.copying += time.perf_counter() - began

        draft.copy = timed  # type: ignore[method-assign]  # only this method is replaced
        return draft


class CountedBlobs(Blobs):
    """Counts the readers that are made: each reader of a source reads its index."""

    readers = 0

    def reader(self, container: str, blob: Blob) -> BlobReader:
        self.readers += 1
        return super().reader(container, blob)


def measured(work: Callable[[], None]) -> Report:
    began, busy = time.perf_counter(), time.process_time()
    work()
    return {
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - busy,
        "peak_mb": peak_megabytes(),
        "copying": 0.0,
    }


def cut(name: str, start: str, end: str) -> Report:
    """Makes one cut as the function does, from the opening of the source to the finished blob."""
    backends = open_backends(read_environment())
    composer = _composer(backends)
    blobs, containers = backends.blobs, backends.containers
    cutter = Cutter(blobs, containers, FilmWriter(composer, "libx264"))
    blob = blobs.get(containers.videos, name)  # connects outside the measurement
    order = _order(blob, float(start), float(end))
    method = []

    def work() -> None:
        done = cutter.stage(order, cutter.open(order.source), lambda: None)
        done.film.commit()
        method.append(done.method)

    report = measured(work) | {"copying": composer.copying}
    sys.stderr.write(f"{name}: {method[0]}\n")
    report["output_mb"] = blobs.get(containers.clips, order.blob_name).size / 1e6
    blobs.delete(containers.clips, order.blob_name)
    return report


def many(name: str, video_id: str, count: str, seconds: str) -> Report:
    """Makes many cuts of one source in one call, without images, which the trigger makes."""
    settings = read_environment()
    backends = open_backends(settings)
    services = compose_on(backends, settings)
    blobs = CountedBlobs(backends.account)
    containers = backends.containers
    cutting = Cutting(
        CutOrders(backends.database),
        Cuts(backends.database),
        CutSources(backends.database),
        services.library,
        backends.account,
        containers,
        Queue(backends.account, containers.cuts_queue),
        Cutter(blobs, containers, FilmWriter(_composer(backends), "libx264")),
        services.ingest,
    )
    with backends.database:
        viewer = Viewer(Users(backends.database).id_of("bench", None))
        services.sources.announce(viewer, UUID(video_id), "film.mp4", None)
        services.source_ingest.landed(name)
        ranges = [_range(number, seconds) for number in range(int(count))]
        drafts = [CutDraft(start=start, end=end) for start, end in ranges]
        answers: list[ShownClip | CliplinkError] = []

        def work() -> None:
            answers.extend(cutting.cut(viewer, UUID(video_id), None, Accuracy.KEYFRAME, drafts))

        report = measured(work)
        assert sum(isinstance(answer, ShownClip) for answer in answers) == int(count)
        finished = "SELECT 1 FROM cuts WHERE finished_at IS NOT NULL AND video_id = %(video_id)s"
        at_once = len(backends.database.all(finished, {"video_id": video_id}))
        return report | {"readers": blobs.readers, "at_once": at_once}


def bare(name: str, count: str, seconds: str) -> Report:
    """Does only the storage part of `many`: copies the same ranges, as many at a time."""
    backends = open_backends(read_environment())
    blobs, containers = backends.blobs, backends.containers
    blob = blobs.get(containers.videos, name)
    film = read_film(blobs.reader(containers.videos, blob))
    cuts = [film.cut(*_range(n, seconds), Accuracy.KEYFRAME)[1] for n in range(int(count))]
    composer = _composer(backends)
    source = Place(containers.videos, name)

    def copy(number: int) -> None:
        draft = composer.draft(Place(containers.clips, f"bare/{number}"))
        draft.copy([SourceRange(source, blob.etag, *part) for part in cuts[number].ranges])

    def work() -> None:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(copy, range(len(cuts))))

    return measured(work)


def _range(number: int, seconds: str) -> tuple[float, float]:
    """The range of one of many cuts."""
    return 4.0 * number, 4.0 * number + float(seconds)


def encode(file: str) -> Report:
    """Encodes a whole local file as a playable copy."""
    source = OpenedFile(Path(file))

    def work() -> None:
        encode_clip(
            source,
            CutRange(start=0, end=1e7, accuracy=Accuracy.FRAME),
            "libx264",
            lambda _: None,
            block=8 * 1024 * 1024,
            limits=Limits(max_bytes=1 << 40, max_seconds=3600),
            check=lambda: None,
        )

    return measured(work)


def tool(*command: str) -> Report:
    return run_tools([command]) | {"copying": 0.0}


def _composer(backends: Backends) -> TimedComposer:
    return TimedComposer(backends.account, Links(backends.account, utc_now), RETRY_FOR_MINUTES)


def _order(blob: Blob, start: float, end: float) -> CutOrder:
    source = CutSource(
        id=uuid4(),
        is_clip=False,
        blob_name=blob.name,
        etag=blob.etag,
        status=ClipStatus.READY,
        archived=False,
        file_size=blob.size,
        duration=None,
        content_type=blob.content_type,
        starts_at=0,
        has_picture=True,
    )
    return CutOrder(
        clip_id=uuid4(),
        video_id=uuid4(),
        source=source,
        accuracy=Accuracy.KEYFRAME,
        start=start,
        end=end,
        blob_name=f"{uuid4()}/{uuid4()}.mp4",
        attempts=1,
    )


_COMMANDS: dict[str, Callable[..., Report]] = {
    "cut": cut,
    "many": many,
    "bare": bare,
    "encode": encode,
    "tool": tool,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(_COMMANDS[sys.argv[1]](*sys.argv[2:])))
