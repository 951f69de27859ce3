"""Makes the copy of a clip that every browser plays, by the cheapest method that works."""

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from clips.cutting.films import Check, FilmWriter, OpenFilm, StagedFilm
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.cutting.rendition_queries import RenditionOrder
from shared.errors import CutOutOfRange, UnplayableClip
from shared.model.blob import Blob
from shared.model.cut_method import Accuracy
from shared.model.playability import PlaybackVerdict
from shared.storage.files.stored import Place
from shared.storage.sdk.blobs import Blobs
from shared.telemetry import span

if TYPE_CHECKING:
    from shared.media import ByteSource

_log = logging.getLogger(__name__)

# A film of up to so many bytes is read whole and its copy written whole: that takes four requests
# to storage, where reading its index, copying ranges and reading the copy take ten.
_KEPT_IN_MEMORY = 4 * 1024 * 1024

_ENDLESS = 10_000_000.0  # seconds: the end is where the film ends

type Method = Callable[[OpenFilm, Place, Check], StagedFilm]


class NoCopyPlays(Exception):
    """No method gave a copy that plays in every browser."""


class RenditionMaker:
    def __init__(self, blobs: Blobs, containers: Containers, writer: FilmWriter) -> None:
        self._blobs = blobs
        self._containers = containers
        self._writer = writer

    def make(self, order: RenditionOrder, check: Check, *, may_encode: bool = True) -> Blob:
        """Writes the copy and returns its blob; can be repeated.

        `may_encode` is whether the picture may be encoded, which costs most. `check` is called
        often, and may raise to end the work. Raises NoCopyPlays, BlobChanged, BlobMissing,
        BlobArchived, UnplayableClip, StorageUnavailable.
        """
        from shared.media.cutting.unsuitable import Unsuitable

        original = Place(self._containers.clips, order.blob_name)
        source = OpenFilm(self._blobs, original, order.etag, keep_up_to=_KEPT_IN_MEMORY)
        name = blob_names.rendition(order.video_id, order.clip_id)
        place = Place(self._containers.thumbnails, name)
        for kind, method in self._methods(order.verdict, may_encode=may_encode):
            try:
                with span(f"rendition.{kind}"):
                    staged = method(source, place, check)
                    staged.commit()
            except (Unsuitable, CutOutOfRange) as why:
                _log.info("The clip %s cannot be copied by %s: %s", order.clip_id, kind, why)
                continue
            copy = self._blobs.get(place.container, name)
            reader = staged.kept or self._blobs.reader(place.container, copy)
            if _plays(name, reader, has_picture=order.has_picture):
                _log.info("The copy of clip %s was made by %s", order.clip_id, kind)
                return copy
            _log.warning("The copy of clip %s by %s does not play everywhere", order.clip_id, kind)
        self._blobs.delete(place.container, name)
        raise NoCopyPlays

    def withdraw(self, copy: Blob) -> None:
        """Deletes a copy, unless another one has replaced it."""
        self._blobs.delete_version(self._containers.thumbnails, copy)

    def _methods(
        self, verdict: PlaybackVerdict, *, may_encode: bool
    ) -> Iterator[tuple[str, Method]]:
        """The methods that may lead to a copy that plays, in the order of their cost."""
        if verdict is PlaybackVerdict.REMUX:
            yield "index", self._by_index
            yield "packets", self._by_packets
        if verdict in {PlaybackVerdict.REMUX, PlaybackVerdict.AUDIO}:
            yield "sound", self._writer.encode_sound
        if may_encode:
            yield "encoding", self._by_encoding

    def _by_index(self, source: OpenFilm, place: Place, check: Check) -> StagedFilm:
        """Writes a new index, after which storage copies the media; not for QuickTime files."""
        from shared.media.cutting.unsuitable import Unsuitable

        if source.index().is_quicktime:
            raise Unsuitable("it is a QuickTime file")
        whole = source.cut(0, _ENDLESS, Accuracy.KEYFRAME)
        return self._writer.copy_ranges(source, whole, place, "video/mp4", check)

    def _by_packets(self, source: OpenFilm, place: Place, check: Check) -> StagedFilm:
        from shared.media.cutting.clip_maker import CutRange

        whole = CutRange(start=0, end=_ENDLESS, accuracy=Accuracy.KEYFRAME)
        return self._writer.copy_packets(source, whole, place, check)

    def _by_encoding(self, source: OpenFilm, place: Place, check: Check) -> StagedFilm:
        from shared.media.cutting.clip_maker import CutRange

        whole = CutRange(start=0, end=_ENDLESS, accuracy=Accuracy.FRAME)
        return self._writer.encode(source, whole, place, check)


def _plays(name: str, film: "ByteSource", *, has_picture: bool) -> bool:
    """Whether a copy shows what it should, and plays in every browser."""
    from shared.media.cutting.result import check_film

    try:
        playback = check_film(film, has_picture=has_picture)
    except UnplayableClip as problem:
        _log.info("%s: %s", name, problem.detail)
        return False
    return playback.verdict is PlaybackVerdict.DIRECT
