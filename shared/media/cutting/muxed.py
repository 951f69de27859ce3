"""An MP4 written in one pass: its media leaves in blocks, its index comes in front of them.

FFmpeg's muxer writes `ftyp`, `mdat` and last `moov`, and goes back once to correct the size of
`mdat`. So the first bytes and those behind the media stay in memory; a new index, exact to the
frame, is made of what the muxer wrote, by the same code that cuts an MP4.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import av
from av.container import OutputContainer

from shared.media.cutting.by_index.mp4_boxes import boxes_in
from shared.media.cutting.by_index.mp4_index import read_movie
from shared.media.cutting.by_index.mp4_selection import Span, Timeline
from shared.media.cutting.by_index.mp4_writer import rewritten
from shared.media.cutting.unsuitable import Unsuitable
from shared.model.cut_method import Accuracy

# Longer than all that is in front of the media: `ftyp`, `free` and the header of `mdat`.
_HEAD_BYTES = 4096
_CLOCK = "90000"

type Emit = Callable[[bytes], None]


class Mp4Output:
    """The file that the muxer writes to; `emit` gets the media in blocks of `block` bytes."""

    def __init__(self, emit: Emit, block: int) -> None:
        self._emit = emit
        self._block = block
        self._head = bytearray()
        self._tail = bytearray()
        self._emitted = 0
        self._position = 0
        self._ending = False
        self.media_bytes = 0

    @contextmanager
    def opened(self) -> Iterator[OutputContainer]:
        """The muxer; when it has been left without an error, `finish` has the new beginning."""
        options = {"movie_timescale": _CLOCK, "use_editlist": "1"}
        with av.open(self, "w", format="mp4", options=options) as container:
            yield container
            self._ending = True

    def finish(self, start: float, end: float, accuracy: Accuracy) -> tuple[Span, bytes]:
        """The span of the film and its beginning: index, and the media not emitted yet.

        `start` and `end` are seconds from the first time that was muxed. The beginning goes in
        front of what `emit` was given. Raises CutOutOfRange, Unsuitable.
        """
        boxes = {box.kind: box for box in boxes_in(memoryview(bytes(self._head)))}
        file_type = bytes(boxes[b"ftyp"].whole) if b"ftyp" in boxes else b""
        begin, size = _media_of(bytes(self._head))
        behind = begin + size - len(self._head) - self._emitted
        if behind < 0:
            early, moov = bytes(self._head[begin : begin + size]), bytes(self._head[begin + size :])
            moov += bytes(self._tail)
        else:
            early, moov = bytes(self._head[begin:]), bytes(self._tail[behind:])
            if behind:
                self._emit(bytes(self._tail[:behind]))
                self._emitted += behind
        movie = read_movie(moov)
        span = Timeline(movie).select(start, end, accuracy)
        film = rewritten(file_type, movie, span, [(begin, size)])
        self.media_bytes = size
        return span, film.header + early

    # What PyAV asks of a file.

    def write(self, data: bytes) -> int:
        data = bytes(data)
        room = len(self._head) if self._position < len(self._head) else 0
        if room:
            within = min(len(data), room - self._position)
            self._head[self._position : self._position + within] = data[:within]
        else:
            within = 0
        self._append(data[within:], self._position + within)
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._position, self._end)[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    @property
    def _end(self) -> int:
        return len(self._head) + self._emitted + len(self._tail)

    def _append(self, data: bytes, position: int) -> None:
        if not data:
            return
        if position != self._end:
            raise AssertionError("the muxer went back into media that has been sent")
        if not self._emitted and not self._tail and len(self._head) < _HEAD_BYTES:
            taken = data[: _HEAD_BYTES - len(self._head)]
            self._head += taken
            data = data[len(taken) :]
        self._tail += data
        while not self._ending and len(self._tail) >= self._block:
            self._emit(bytes(self._tail[: self._block]))
            self._emitted += self._block
            del self._tail[: self._block]


def _media_of(head: bytes) -> tuple[int, int]:
    """Where the contents of `mdat` begin, and how many bytes they have."""
    at = 0
    while at + 16 <= len(head):
        size, kind, header = int.from_bytes(head[at : at + 4]), head[at + 4 : at + 8], 8
        if size == 1:
            size, header = int.from_bytes(head[at + 8 : at + 16]), 16
        if kind == b"mdat":
            return at + header, size - header
        at += max(size, header)
    raise Unsuitable("the muxer wrote no media")
