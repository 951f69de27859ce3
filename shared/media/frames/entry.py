"""Frames of FLV and Matroska without an index: both can be entered at any byte.

A tag of FLV repeats its size behind itself, and each cluster of Matroska has an identifier and its
own time. So from any position the next such place is found, and the bytes after it are
demuxed as a stream of its own behind the head of the file.
"""

from collections.abc import Iterator
from contextlib import closing

from shared.media.frames import samples
from shared.media.frames.budget import FrameBudget
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import next_picture
from shared.media.reading.container import open_stream
from shared.media.reading.entry_points import (
    CLUSTER,
    CLUSTER_START,
    TAG_HEAD,
    TAG_START,
    flv_head,
)
from shared.media.reading.source import BLOCK_BYTES, SourceFile

# Two neighbouring pieces overlap by this much, so that no place is missed between them.
_OVERLAP = 32

_LONGEST_HEAD = 1024 * 1024


def can_enter_anywhere(film: Film) -> bool:
    """Whether the film is of a format that can be entered at any byte."""
    return film.container.format.name in ("flv", "matroska,webm")


def frames_by_entry(film: Film, budget: FrameBudget) -> Iterator[TimedFrame]:
    """Yields frames from places spread over the whole film, halves before quarters.

    Where to look for a moment is reckoned from the moments that were found before.
    """
    film.seek(film.begin)
    position = film.file.tell()  # FFmpeg reads on from here and does not see other reads
    head = _head(film)
    known = [(0, film.begin), (film.file.size, film.end)]
    seen: set[int] = set()
    for target in samples.halving(samples.parts(film.begin, film.end, budget.count)):
        if budget.is_spent:
            break
        offset = max(len(head), _reckoned(known, target, film))
        place = _next_place(film, offset, budget)
        frame = None if place is None else _frame_from(film, head, place, budget)
        budget.reach(target)
        if frame is None or place is None:
            continue
        known = sorted({*known, (place, frame.timestamp)})
        if frame.timestamp not in seen:
            seen.add(frame.timestamp)
            yield frame
    else:
        budget.reach(film.end)
    film.file.seek(position)


def _reckoned(known: list[tuple[int, int]], target: int, film: Film) -> int:
    """Returns about where `target` lies, between two places whose times are known."""
    before = max((each for each in known if each[1] <= target), default=known[0])
    behind = min((each for each in known if each[1] > target), default=known[-1])
    span = behind[1] - before[1]
    if span <= 0:
        return film.file.size // 2
    return before[0] + (behind[0] - before[0]) * (target - before[1]) // span


def _frame_from(film: Film, head: bytes, place: int, budget: FrameBudget) -> TimedFrame | None:
    stream = _StreamFrom(film.file, head, place)
    film.forget()
    with closing(open_stream(stream, film.container.format.name.split(",")[0])) as container:
        tracks = [track for track in container.streams.video if track.index == film.stream.index]
        return next_picture(film, container.demux(tracks), budget) if tracks else None


class _StreamFrom:
    """The head of a file and what follows `place` in it, to be read once from end to end."""

    def __init__(self, file: SourceFile, head: bytes, place: int) -> None:
        self._file = file
        self._head = head
        self._place = place

    def read(self, size: int) -> bytes:
        """Returns up to `size` bytes; none at the end, or after a failure that `check` raises."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        self._file.seek(self._place)
        data = self._file.read(size)
        self._place += len(data)
        return data


def _head(film: Film) -> bytes:
    """Returns what a demuxer must see first: of Matroska, all before the first cluster."""
    if film.container.format.name == "flv":
        return flv_head(film.file.peek(0, BLOCK_BYTES))
    data = b""
    while len(data) < _LONGEST_HEAD and CLUSTER not in data:
        more = film.file.peek(len(data), BLOCK_BYTES)
        if not more:
            break
        data += more
    return data[: data.find(CLUSTER)] if CLUSTER in data else b""


def _next_place(film: Film, offset: int, budget: FrameBudget) -> int | None:
    """Returns the first place at or behind `offset` where the film can be entered."""
    is_flv = film.container.format.name == "flv"
    budget.start_place()
    while offset < film.file.size and not budget.is_spent_here:
        data = film.file.peek(offset, BLOCK_BYTES)
        for match in (TAG_START if is_flv else CLUSTER_START).finditer(data):
            place = offset + match.start()
            if not is_flv or _is_tag(film.file, place):
                return place
        if len(data) <= _OVERLAP:
            return None
        offset += len(data) - _OVERLAP
    return None


def _is_tag(file: SourceFile, place: int) -> bool:
    size = int.from_bytes(file.peek(place + 1, 3))
    behind = file.peek(place + TAG_HEAD + size, 4)
    return size > 0 and int.from_bytes(behind) == TAG_HEAD + size
