"""Films in storage: reads one version of a film, and writes new films by four methods.

A new film is staged block by block, or kept in memory; its blob exists when it is committed.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.errors import BlobChanged
from shared.model.blob import Blob
from shared.model.cut_method import Accuracy
from shared.storage.files.composition import BlobDraft, Composer, SourceRange
from shared.storage.files.stored import Place
from shared.storage.sdk.blobs import Blobs

if TYPE_CHECKING:
    from shared.media import ByteSource, Limits
    from shared.media.cutting.by_index.mp4_film import Mp4Film
    from shared.media.cutting.by_index.mp4_writer import Rewritten
    from shared.media.cutting.clip_maker import CutRange
    from shared.media.cutting.packets import CopiedFilm

# Bytes of a block: what is held in memory at a time.
_BLOCK = 8 * 1024 * 1024
# Bounds of one film that is read packet by packet.
_MOST_READ = 16 * 1024 * 1024 * 1024
_LONGEST_WORK = timedelta(minutes=25)
# The bounds of a film that a caller waits for.
_MOST_READ_AT_ONCE = 96 * 1024 * 1024
_LONGEST_WORK_AT_ONCE = timedelta(seconds=20)

type Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class IndexCut:
    """A cut by a new index, before anything of it is stored; times are seconds of the source."""

    start: float
    end: float
    film: "Rewritten"


class FilmInMemory:
    """All bytes of a film, to be read by ranges like one in storage."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


class OpenFilm:
    """One version of a film, for any number of cuts: its index is read once.

    Threads may share it.
    """

    def __init__(self, blobs: Blobs, place: Place, etag: str, *, keep_up_to: int = 0) -> None:
        """A film of up to `keep_up_to` bytes is read whole, by one request, and kept.

        Raises BlobMissing, BlobChanged if the blob is another version, BlobArchived,
        StorageUnavailable.
        """
        self.place = place
        self.blob: Blob = blobs.get(place.container, place.name)
        if self.blob.etag != etag:
            raise BlobChanged("A newer version of the source was uploaded.")
        self._blobs = blobs
        self._reading = threading.Lock()
        self._index: Mp4Film | None = None
        self._unsuitable = ""
        self.kept: FilmInMemory | None = None
        if self.blob.size <= keep_up_to:
            self.kept = FilmInMemory(self.reader().read(0, self.blob.size))

    def reader(self) -> "ByteSource":
        return self.kept or self._blobs.reader(self.place.container, self.blob)

    def index(self) -> "Mp4Film":
        """The index; raises Unsuitable for a film that cannot be cut by it."""
        from shared.media.cutting.by_index.mp4_film import read_film
        from shared.media.cutting.unsuitable import Unsuitable

        with self._reading:
            if self._unsuitable:
                raise Unsuitable(self._unsuitable)
            if self._index is None:
                try:
                    self._index = read_film(self.reader())
                except Unsuitable as why:
                    self._unsuitable = str(why)
                    raise
            return self._index

    def cut(
        self, start: float, end: float, accuracy: Accuracy, most_frames: int | None = None
    ) -> IndexCut:
        """The cut of a range by the index; raises CutOutOfRange, Unsuitable, TooManyFrames."""
        span, film = self.index().cut(start, end, accuracy, most_frames)
        return IndexCut(float(span.start), float(span.end), film)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFilm:
    """A new film whose blocks are in storage; `start` and `end` are seconds of its source.

    One that is `kept` is in memory instead until it is committed.
    """

    start: float
    end: float
    draft: BlobDraft
    content_type: str
    kept: FilmInMemory | None = None

    def commit(self) -> str:
        """Makes the blob, and returns its ETag; raises StorageUnavailable."""
        return self.draft.commit(self.content_type)


class FilmWriter:
    """Stages new films. `check` is called often, and may raise to end the work.

    All methods raise BlobChanged, BlobMissing and BlobArchived of the source, StorageUnavailable,
    UnplayableClip for a damaged source and for limits, and CutOutOfRange where nothing is shown
    in the range.
    """

    def __init__(self, composer: Composer, encoder: str) -> None:
        self._composer = composer
        self._encoder = encoder

    def copy_ranges(
        self,
        source: OpenFilm,
        cut: IndexCut,
        to: Place,
        content_type: str,
        check: Check,
    ) -> StagedFilm:
        """Has storage copy the ranges of the source to which a new index refers.

        Of a source that is kept in memory they are written by one request.
        """
        draft = self._composer.draft(to, check)
        if source.kept is not None:
            media = [source.kept.read(*part) for part in cut.film.ranges]
            kept = FilmInMemory(b"".join([cut.film.header, *media]))
            draft.hold(kept.data)
            return StagedFilm(
                start=cut.start, end=cut.end, draft=draft, content_type=content_type, kept=kept
            )
        ranges = [SourceRange(source.place, source.blob.etag, *part) for part in cut.film.ranges]
        draft.copy(ranges, cut.film.header)
        return StagedFilm(start=cut.start, end=cut.end, draft=draft, content_type=content_type)

    def copy_packets(
        self,
        source: OpenFilm,
        wanted: "CutRange",
        to: Place,
        check: Check,
        *,
        at_once: bool = False,
    ) -> StagedFilm:
        """Copies packets into an MP4; raises Unsuitable. With `at_once` a caller waits."""
        from shared.media.cutting.clip_maker import copy_clip

        limits = _limits(at_once=at_once)
        return self._staged(
            to,
            check,
            lambda emit: copy_clip(source.reader(), wanted, emit, block=_BLOCK, limits=limits),
        )

    def encode(self, source: OpenFilm, wanted: "CutRange", to: Place, check: Check) -> StagedFilm:
        """Encodes picture and sound, as every browser plays them."""
        from shared.media.cutting.clip_maker import encode_clip

        return self._staged(
            to,
            check,
            lambda emit: encode_clip(
                source.reader(),
                wanted,
                self._encoder,
                emit,
                block=_BLOCK,
                limits=_limits(),
                check=check,
            ),
        )

    def encode_sound(self, source: OpenFilm, to: Place, check: Check) -> StagedFilm:
        """Copies the picture of the whole film and encodes its sound; raises Unsuitable."""
        from shared.media.cutting.clip_maker import copy_picture

        return self._staged(
            to,
            check,
            lambda emit: copy_picture(
                source.reader(), self._encoder, emit, block=_BLOCK, limits=_limits(), check=check
            ),
        )

    def _staged(
        self, to: Place, check: Check, write: "Callable[[Callable[[bytes], None]], CopiedFilm]"
    ) -> StagedFilm:
        draft = self._composer.draft(to, check)
        film = write(draft.add)
        draft.begin(film.beginning)
        return StagedFilm(
            start=float(film.start),
            end=float(film.end),
            draft=draft,
            content_type="video/mp4",
        )


def _limits(*, at_once: bool = False) -> "Limits":
    from shared.media import Limits

    if at_once:
        return Limits(
            max_bytes=_MOST_READ_AT_ONCE, max_seconds=_LONGEST_WORK_AT_ONCE.total_seconds()
        )
    return Limits(max_bytes=_MOST_READ, max_seconds=_LONGEST_WORK.total_seconds())
