"""Cuts one clip: reads as little of the source as its format allows, and stages the new blob.

Methods, tried in this order: storage copies the ranges that a new index names (MP4, MOV); packets
are copied; the range is encoded. All of them read and copy one version of the source, its ETag.
"""

import logging
import threading
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from clips.cutting.films import Check, FilmWriter, IndexCut, OpenFilm, StagedFilm
from shared.blob_names.containers import Containers
from shared.errors import UnplayableClip
from shared.model.cut_method import Accuracy, CutMethod
from shared.model.cutting import CutOrder, CutSource
from shared.model.media_types import of_name
from shared.storage.files.stored import Place
from shared.storage.sdk.blobs import Blobs
from shared.telemetry import span

if TYPE_CHECKING:
    from shared.media.cutting.clip_maker import CutRange

_log = logging.getLogger(__name__)

# Bytes that a call of the API copies or reads itself; a larger cut is left to the queue.
_MOST_COPIED_AT_ONCE = 128 * 1024 * 1024
_MOST_READ_AT_ONCE = 32 * 1024 * 1024
# A call holds the new indexes of all its clips.
_LARGEST_INDEX_AT_ONCE = 512 * 1024
# An index has at least four bytes for each frame, unless the film claims that all frames have one
# size.
_MOST_FRAMES_AT_ONCE = _LARGEST_INDEX_AT_ONCE // 4
# How many calls of a process copy packets at a time: each holds its blocks in memory.
_packet_copies = threading.BoundedSemaphore(2)
_MP4_NAMES = {".mp4", ".m4v", ".mov", ".m4a", ".3gp", ".3g2"}


class TooLargeForNow(Exception):
    """The cut takes longer than a caller may wait: it is left to the queue."""


@dataclass(frozen=True, slots=True)
class StagedCut:
    """A clip whose blocks are in storage, and the method that staged it."""

    film: StagedFilm
    method: CutMethod


class Cutter:
    def __init__(self, blobs: Blobs, containers: Containers, writer: FilmWriter) -> None:
        self._blobs = blobs
        self._containers = containers
        self._writer = writer

    def open(self, source: CutSource) -> OpenFilm:
        """The version that is to be cut; raises BlobMissing, BlobChanged, StorageUnavailable."""
        containers = self._containers
        container = containers.clips if source.is_clip else containers.videos
        return OpenFilm(self._blobs, Place(container, source.blob_name), source.etag)

    def plan(self, order: CutOrder, source: OpenFilm) -> IndexCut | None:
        """Plans the clip of a call by the index of its source; None without such an index.

        Raises TooLargeForNow; CutOutOfRange; BlobChanged, BlobMissing, BlobArchived,
        StorageUnavailable.
        """
        from shared.media.cutting.by_index.mp4_selection import TooManyFrames
        from shared.media.cutting.unsuitable import Unsuitable

        if order.accuracy is Accuracy.FRAME:
            raise TooLargeForNow
        try:
            cut = source.cut(order.start, order.end, order.accuracy, _MOST_FRAMES_AT_ONCE)
        except Unsuitable as why:
            _log.info("The source cannot be cut by its index: %s: %s", order.source.blob_name, why)
            return None
        except TooManyFrames as error:
            raise TooLargeForNow from error
        if cut.film.size > _MOST_COPIED_AT_ONCE or len(cut.film.header) > _LARGEST_INDEX_AT_ONCE:
            raise TooLargeForNow
        return cut

    def stage_planned(self, order: CutOrder, source: OpenFilm, cut: IndexCut | None) -> StagedCut:
        """Stages the blob of a clip that `plan` has prepared.

        Raises the same as `plan`, and UnplayableClip.
        """
        if cut is not None:
            with span(f"cut.{CutMethod.STORAGE_COPY}"):
                film = self._copy_ranges(order, source, cut, _no_check)
            return StagedCut(film, CutMethod.STORAGE_COPY)
        with _packet_copies, span(f"cut.{CutMethod.PACKETS}"):
            return StagedCut(self._packets_at_once(order, source), CutMethod.PACKETS)

    def stage(self, order: CutOrder, source: OpenFilm, check: Check) -> StagedCut:
        """Stages the clip's blob without a time limit.

        `check` is called from time to time, and may raise to end the work. Raises CutOutOfRange
        where nothing is shown in the range; BlobChanged, BlobMissing, BlobArchived; UnplayableClip;
        StorageUnavailable. Can be repeated.
        """
        from shared.media.cutting.methods import cut_by_first, methods_for

        def cut(method: CutMethod) -> StagedFilm:
            with span(f"cut.{method}"):
                return self._by(method, order, source, check)

        method, film = cut_by_first(methods_for(order.accuracy, order.first_method), cut)
        return StagedCut(film, method)

    def _by(self, method: CutMethod, order: CutOrder, source: OpenFilm, check: Check) -> StagedFilm:
        place = self._place(order)
        match method:
            case CutMethod.STORAGE_COPY:
                cut = source.cut(order.start, order.end, order.accuracy)
                return self._copy_ranges(order, source, cut, check)
            case CutMethod.PACKETS:
                return self._writer.copy_packets(source, _range(order), place, check)
            case CutMethod.ENCODE:
                return self._writer.encode(source, _range(order), place, check)

    def _packets_at_once(self, order: CutOrder, source: OpenFilm) -> StagedFilm:
        """Raises TooLargeForNow also where the packets cannot be copied."""
        from shared.media import FailureCode
        from shared.media.cutting.methods import allows_another
        from shared.media.cutting.unsuitable import Unsuitable

        duration = order.source.duration
        share = min(1.0, (order.end - order.start) / duration) if duration else 1.0
        if source.blob.size * share > _MOST_READ_AT_ONCE:
            raise TooLargeForNow
        try:
            return self._writer.copy_packets(
                source, _range(order), self._place(order), _no_check, at_once=True
            )
        except Unsuitable as why:
            raise TooLargeForNow from why
        except UnplayableClip as why:
            limits = {FailureCode.TOO_SLOW, FailureCode.TOO_MUCH_READING}
            if allows_another(why) or why.failure_code in limits:
                raise TooLargeForNow from why
            raise

    def _copy_ranges(
        self, order: CutOrder, source: OpenFilm, cut: IndexCut, check: Check
    ) -> StagedFilm:
        content_type = of_name(order.blob_name) or "video/mp4"
        return self._writer.copy_ranges(source, cut, self._place(order), content_type, check)

    def _place(self, order: CutOrder) -> Place:
        return Place(self._containers.clips, order.blob_name)


def extension_for(source_name: str) -> str:
    """The extension of a clip that is cut out of a blob of this name."""
    extension = PurePosixPath(source_name).suffix.lower()
    return extension if extension in _MP4_NAMES else ".mp4"


def _range(order: CutOrder) -> "CutRange":
    from shared.media.cutting.clip_maker import CutRange

    return CutRange(start=order.start, end=order.end, accuracy=order.accuracy)


def _no_check() -> None:
    pass
