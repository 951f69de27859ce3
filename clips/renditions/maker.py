"""Makes the copy of a clip that every browser plays, in the cheapest way that leads to one."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from clips.cutting.sender import BLOCK, Sender
from shared import blob_names
from shared.blob_names import Containers
from shared.catalogue.rendition_queries import RenditionOrder
from shared.errors import BlobChanged, CutOutOfRange, UnplayableClip
from shared.model import Accuracy, Blob
from shared.playability import PlaybackVerdict
from shared.storage import Blobs, Composer, Place, SourceRange
from shared.telemetry import span

if TYPE_CHECKING:
    from shared.media import Limits

_log = logging.getLogger(__name__)

_ENDLESS = 10_000_000.0  # seconds: the end is where the film ends
_MOST_READ = 16 * 1024 * 1024 * 1024
_LONGEST_WORK = timedelta(minutes=25)

type Check = Callable[[], None]
type Way = Callable[[Blob, Place, Check], None]


class NoCopyPlays(Exception):
    """Nothing that was tried plays in every browser."""


class RenditionMaker:
    def __init__(
        self, blobs: Blobs, containers: Containers, composer: Composer, encoder: str
    ) -> None:
        self._blobs = blobs
        self._containers = containers
        self._composer = composer
        self._encoder = encoder

    def make(self, order: RenditionOrder, check: Check) -> str:
        """Writes the copy and returns the name of its blob; can be repeated.

        `check` is called now and then, and may raise to end the work. Raises NoCopyPlays,
        BlobChanged, BlobMissing, BlobArchived, UnplayableClip, StorageUnavailable.
        """
        from shared.media.cutting.mp4_index import Unsuitable

        blob = self._blobs.get(self._containers.clips, order.blob_name)
        if blob.etag != order.etag:
            raise BlobChanged("The clip was replaced by a newer version.")
        name = blob_names.rendition(order.video_id, order.clip_id)
        place = Place(self._containers.thumbnails, name)
        for kind, way in self._ways(order.verdict):
            try:
                with span(f"rendition.{kind}"):
                    way(blob, place, check)
            except (Unsuitable, CutOutOfRange) as why:
                _log.info("No copy of clip %s by %s: %s", order.clip_id, kind, why)
                continue
            if self._plays(place):
                _log.info("Copy of clip %s made by %s", order.clip_id, kind)
                return name
            _log.warning("The copy of clip %s by %s does not play everywhere", order.clip_id, kind)
        self._blobs.delete(place.container, name)
        raise NoCopyPlays

    def _ways(self, verdict: PlaybackVerdict) -> Iterator[tuple[str, Way]]:
        """From the cheapest that may do to the dearest."""
        if verdict is PlaybackVerdict.REMUX:
            yield "index", self._by_index
            yield "packets", self._by_packets
        if verdict in {PlaybackVerdict.REMUX, PlaybackVerdict.AUDIO}:
            yield "sound", self._by_sound
        yield "encoding", self._by_encoding

    def _by_index(self, blob: Blob, place: Place, check: Check) -> None:
        """The index comes first, and storage copies the media: not for QuickTime's own boxes."""
        from shared.media.cutting.mp4_film import read_film
        from shared.media.cutting.mp4_index import Unsuitable

        film = read_film(self._blobs.reader(self._containers.clips, blob))
        if film.is_quicktime:
            raise Unsuitable("it is a QuickTime file")
        _, cut = film.cut(0, _ENDLESS, Accuracy.KEYFRAME)
        check()
        source = Place(self._containers.clips, blob.name)
        names = [self._composer.stage(place, 0, cut.header)]
        ranges = [SourceRange(source, blob.etag, *part) for part in cut.ranges]
        names += self._composer.copy(place, 1, ranges)
        self._composer.commit(place, names, "video/mp4")

    def _by_packets(self, blob: Blob, place: Place, check: Check) -> None:
        from shared.media.cutting.clip_maker import CutRange, copy_clip

        sender = Sender(self._composer, place, check)
        wanted = CutRange(start=0, end=_ENDLESS, accuracy=Accuracy.KEYFRAME)
        reader = self._blobs.reader(self._containers.clips, blob)
        film = copy_clip(reader, wanted, sender.send, block=BLOCK, limits=_limits())
        sender.finish(film.beginning)

    def _by_sound(self, blob: Blob, place: Place, check: Check) -> None:
        from shared.media.cutting.clip_maker import copy_picture

        sender = Sender(self._composer, place, check)
        reader = self._blobs.reader(self._containers.clips, blob)
        film = copy_picture(
            reader, self._encoder, sender.send, block=BLOCK, limits=_limits(), check=check
        )
        sender.finish(film.beginning)

    def _by_encoding(self, blob: Blob, place: Place, check: Check) -> None:
        from shared.media.cutting.clip_maker import CutRange, encode_clip

        sender = Sender(self._composer, place, check)
        film = encode_clip(
            self._blobs.reader(self._containers.clips, blob),
            CutRange(start=0, end=_ENDLESS, accuracy=Accuracy.FRAME),
            self._encoder,
            sender.send,
            block=BLOCK,
            limits=_limits(),
            check=check,
        )
        sender.finish(film.beginning)

    def _plays(self, place: Place) -> bool:
        """Whether the copy is what it should be: opened and judged as any clip."""
        from shared import media

        blob = self._blobs.get(place.container, place.name)
        try:
            with media.opened(self._blobs.reader(place.container, blob)) as film:
                return film.playback.verdict is PlaybackVerdict.DIRECT
        except UnplayableClip:
            return False


def _limits() -> "Limits":
    from shared.media import Limits

    return Limits(max_bytes=_MOST_READ, max_seconds=_LONGEST_WORK.total_seconds())
