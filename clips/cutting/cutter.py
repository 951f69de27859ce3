"""Cuts one clip: reads as little of the source as its format allows, and writes the new blob.

Methods, tried in this order: storage copies the ranges that a new index names (MP4, MOV); packets
are copied; the range is encoded. All of them read and copy one version of the source, its ETag.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from clips.cutting.sender import BLOCK, Sender
from shared.blob_names import Containers
from shared.errors import BlobChanged
from shared.model import Accuracy, Blob, CutMethod, CutOrder
from shared.storage import Blobs, Composer, Place, SourceRange
from shared.telemetry import span

if TYPE_CHECKING:
    from shared.media import Limits
    from shared.media.cutting.clip_maker import CutRange
    from shared.media.cutting.mp4_film import Mp4Film
    from shared.storage import BlobReader

_log = logging.getLogger(__name__)

# What a call of the API does itself; more is left to the queue.
_MOST_COPIED_AT_ONCE = 128 * 1024 * 1024
_MOST_READ_AT_ONCE = 32 * 1024 * 1024
_MP4_NAMES = {".mp4", ".m4v", ".mov", ".m4a", ".3gp", ".3g2"}
# Bounds of one cut that is not cut by its index.
_MOST_READ = 16 * 1024 * 1024 * 1024
_LONGEST_WORK = timedelta(minutes=25)


class TooLargeForNow(Exception):
    """The cut takes longer than a call may wait: the queue does it."""


@dataclass(frozen=True, slots=True)
class Done:
    """A clip was cut: its span in seconds of the source, and how."""

    start: float
    end: float
    method: CutMethod


class OpenSource:
    """One version of a source, for any number of cuts: its index is read once."""

    def __init__(self, blobs: Blobs, container: str, order: CutOrder) -> None:
        """Raises BlobMissing, BlobChanged if the blob is another version, StorageUnavailable."""
        source = order.source
        self.place = Place(container, source.blob_name)
        self.blob: Blob = blobs.get(container, source.blob_name)
        if self.blob.etag != source.etag:
            raise BlobChanged("The source was replaced by a newer version.")
        self._blobs = blobs
        self._film: Mp4Film | None = None
        self._has_looked = False

    def reader(self) -> "BlobReader":
        return self._blobs.reader(self.place.container, self.blob)

    def film(self) -> "Mp4Film | None":
        """The film with its index; None for one that cannot be cut by it."""
        from shared.media.cutting.mp4_film import read_film
        from shared.media.cutting.mp4_index import Unsuitable

        if not self._has_looked:
            self._has_looked = True
            try:
                self._film = read_film(self.reader())
            except Unsuitable as why:
                _log.info("Not cut by its index: %s: %s", self.place.name, why)
        return self._film


class Cutter:
    def __init__(
        self, blobs: Blobs, containers: Containers, composer: Composer, encoder: str
    ) -> None:
        self._blobs = blobs
        self._containers = containers
        self._composer = composer
        self._encoder = encoder

    def open(self, order: CutOrder) -> OpenSource:
        """The source of a cut; raises BlobMissing, BlobChanged, StorageUnavailable."""
        containers = self._containers
        container = containers.clips if order.source.is_clip else containers.videos
        return OpenSource(self._blobs, container, order)

    def cut(
        self, order: CutOrder, source: OpenSource, check: Callable[[], None] | None = None
    ) -> Done:
        """Writes the clip's blob; without `check`, only what is done in seconds.

        `check` is called now and then, and may raise to end the work. Raises TooLargeForNow;
        CutOutOfRange where nothing is shown in the range; BlobChanged, BlobMissing, BlobArchived;
        UnplayableClip; StorageUnavailable. Can be repeated: the blob is written anew.
        """
        from shared.media.cutting.mp4_index import Unsuitable

        if order.accuracy is not Accuracy.FRAME:
            with span("cut.storage_copy"):
                done = self._by_index(order, source, at_once=check is None)
            if done is not None:
                return done
            self._check_size(order, source, at_once=check is None)
            try:
                with span("cut.packets"):
                    return self._by_packets(order, source)
            except Unsuitable as why:
                _log.info("Not cut by packets: %s: %s", order.source.blob_name, why)
        if check is None:
            raise TooLargeForNow
        with span("cut.encode"):
            return self._by_encoding(order, source, check)

    def _by_index(self, order: CutOrder, source: OpenSource, *, at_once: bool) -> Done | None:
        """None for a film whose index does not allow it."""
        from shared.media.cutting.mp4_index import Unsuitable

        film = source.film()
        if film is None:
            return None
        try:
            shown, cut = film.cut(order.start, order.end, order.accuracy)
        except Unsuitable as why:
            _log.info("Not cut by its index: %s: %s", order.source.blob_name, why)
            return None
        if at_once and cut.size > _MOST_COPIED_AT_ONCE:
            raise TooLargeForNow
        place = self._place(order)
        names = [self._composer.stage(place, 0, cut.header)]
        ranges = [SourceRange(source.place, source.blob.etag, *part) for part in cut.ranges]
        names += self._composer.copy(place, 1, ranges)
        content_type = source.blob.content_type or _content_type(order.blob_name)
        self._composer.commit(place, names, content_type)
        return Done(float(shown.start), float(shown.end), CutMethod.STORAGE_COPY)

    def _check_size(self, order: CutOrder, source: OpenSource, *, at_once: bool) -> None:
        """Raises TooLargeForNow where a call would wait too long for the packets."""
        duration = order.source.duration
        share = min(1.0, (order.end - order.start) / duration) if duration else 1.0
        if at_once and source.blob.size * share > _MOST_READ_AT_ONCE:
            raise TooLargeForNow

    def _by_packets(self, order: CutOrder, source: OpenSource) -> Done:
        from shared.media.cutting.clip_maker import copy_clip

        sender = Sender(self._composer, self._place(order))
        film = copy_clip(source.reader(), _range(order), sender.send, block=BLOCK, limits=_limits())
        sender.finish(film.beginning)
        return Done(float(film.start), float(film.end), CutMethod.PACKETS)

    def _by_encoding(self, order: CutOrder, source: OpenSource, check: Callable[[], None]) -> Done:
        from shared.media.cutting.clip_maker import encode_clip

        sender = Sender(self._composer, self._place(order))
        film = encode_clip(
            source.reader(),
            _range(order),
            self._encoder,
            sender.send,
            block=BLOCK,
            limits=_limits(),
            check=check,
        )
        sender.finish(film.beginning)
        return Done(float(film.start), float(film.end), CutMethod.ENCODE)

    def _place(self, order: CutOrder) -> Place:
        return Place(self._containers.clips, order.blob_name)


def extension_for(source_name: str) -> str:
    """The extension of a clip that is cut out of a blob of this name."""
    extension = PurePosixPath(source_name).suffix.lower()
    return extension if extension in _MP4_NAMES else ".mp4"


def _content_type(name: str) -> str:
    return "video/quicktime" if name.endswith(".mov") else "video/mp4"


def _range(order: CutOrder) -> "CutRange":
    from shared.media.cutting.clip_maker import CutRange

    return CutRange(start=order.start, end=order.end, accuracy=order.accuracy)


def _limits() -> "Limits":
    from shared.media import Limits

    return Limits(max_bytes=_MOST_READ, max_seconds=_LONGEST_WORK.total_seconds())
