"""An MP4 or MOV whose index has been read: any number of clips can be cut from it.

Reads the beginning of the file and its `moov` box; of the media only the first bytes of the
keyframe with which a cut begins.
"""

from typing import Protocol

from shared.media.cutting.by_index.keyframe_heads import (
    HEAD_BYTES,
    gives_picture_alone,
    nal_length_size,
)
from shared.media.cutting.by_index.mp4_index import Track, read_movie
from shared.media.cutting.by_index.mp4_selection import Span, Timeline
from shared.media.cutting.by_index.mp4_writer import Rewritten, rewritten
from shared.media.cutting.unsuitable import Unsuitable
from shared.model.cut_method import Accuracy

# Holds what stands before `mdat` in a file whose index comes last.
_HEAD_BYTES = 4096
_HEADER_BYTES = 16
# It is held in memory: about 60 hours of film.
_LARGEST_INDEX = 96 * 1024 * 1024
_MOST_BOXES = 64


class RangeReader(Protocol):
    """One version of a file, read by ranges."""

    @property
    def size(self) -> int:
        """Length of the whole in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`, fewer only at the end."""


class Mp4Film:
    """A film that can be cut by its index; `duration` is in seconds."""

    def __init__(self, file_type: bytes, moov: bytes, media: RangeReader | None = None) -> None:
        """`media` is the file itself, to see what keyframes are; raises Unsuitable."""
        self._file_type = file_type
        self._media = media
        self._alone: dict[int, bool] = {}
        self._movie = read_movie(moov)
        self._timeline = Timeline(self._movie)

    @property
    def is_quicktime(self) -> bool:
        """Whether the file is a MOV: its boxes may differ from those of an MP4."""
        return not self._file_type or self._file_type[8:12] == b"qt  "

    @property
    def duration(self) -> float:
        return float(self._timeline.duration)

    @property
    def keyframe_count(self) -> int:
        return self._timeline.keyframe_count

    def cut(
        self, start: float, end: float, accuracy: Accuracy, most_frames: int | None = None
    ) -> tuple[Span, Rewritten]:
        """The clip of a range in seconds; raises CutOutOfRange, Unsuitable, TooManyFrames."""
        span = self._timeline.select(start, end, accuracy, most_frames)
        main = span.selections[0]
        if main.track.is_picture and not self._gives_picture(main.track, main.numbers[0]):
            raise Unsuitable("its keyframes give no pictures alone")
        return span, rewritten(self._file_type, self._movie, span)

    def _gives_picture(self, track: Track, number: int) -> bool:
        """Whether a keyframe gives a picture alone, by its first bytes."""
        description = bytes(track.box.child(b"mdia", b"minf", b"stbl", b"stsd").body)
        codec = description[12:16]
        length_size = nal_length_size(codec, description)
        if self._media is None or not length_size:
            return True
        if number not in self._alone:
            head = self._media.read(track.place(number), min(HEAD_BYTES, track.sizes[number]))
            self._alone[number] = gives_picture_alone(codec, head, length_size)
        return self._alone[number]


def read_film(source: RangeReader) -> Mp4Film:
    """Reads the index; raises Unsuitable for what is no MP4 or cannot be cut by its index."""
    head = source.read(0, _HEAD_BYTES)
    file_type, position = b"", 0
    for _ in range(_MOST_BOXES):
        header = head[position : position + _HEADER_BYTES]
        if len(header) < _HEADER_BYTES:
            header = source.read(position, _HEADER_BYTES)
        size, kind = int.from_bytes(header[:4]), header[4:8]
        if size == 1:
            size = int.from_bytes(header[8:16])
        elif size == 0:
            size = source.size - position
        if size < len(b"sizekind") or not kind.isascii():
            break
        if kind == b"ftyp":
            file_type = _whole(source, head, position, size)
        if kind == b"moov":
            return Mp4Film(file_type, _whole(source, head, position, size), source)
        position += size
        if position >= source.size:
            break
    raise Unsuitable("there is no index of an MP4")


def _whole(source: RangeReader, head: bytes, position: int, size: int) -> bytes:
    """The bytes of a box; those that have been read already come from memory."""
    if size > _LARGEST_INDEX:
        raise Unsuitable("the index is too large")
    known = head[position : position + size]
    return (
        known + source.read(position + len(known), size - len(known))
        if len(known) < size
        else known
    )
