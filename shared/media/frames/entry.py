"""Frames of FLV and Matroska without an index: both can be entered at any byte.

A tag of FLV repeats its size behind itself, and each cluster of Matroska has an identifier and its
own time. So from any position the next such place is found, and the bytes after it are
demuxed as a stream of its own behind the head of the file.

Sources: Adobe's "Video File Format Specification" version 10, annex E; RFC 9559, section 5.1.3.
"""

import re
from collections.abc import Iterator
from contextlib import closing

from shared.media.frames import samples
from shared.media.frames.budget import FrameBudget
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import next_picture
from shared.media.reading.container import open_stream
from shared.media.reading.source import BLOCK_BYTES, SourceFile

# Two neighbouring pieces overlap by this much, so that no place is missed between them.
_OVERLAP = 32

_CLUSTER = bytes.fromhex("1f43b675")
# A cluster, its size in one to eight bytes, and what may come first in it: its time, a check sum,
# or room that was left free.
_CLUSTER_START = re.compile(_CLUSTER + rb"[\x01-\xff].{0,7}?[\xe7\xbf\xec]", re.DOTALL)
_LONGEST_HEAD = 1024 * 1024

# Sound, picture or data; size; time; the stream, which is always 0.
_TAG_START = re.compile(rb"[\x08\x09\x12].{3}.{4}\x00\x00\x00", re.DOTALL)
_FLV_HEAD, _TAG_HEAD = 13, 11
_SOUND, _PICTURE, _DATA = 8, 9, 18
_AAC, _AVC = 10, 7


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
        return _flv_head(film.file)
    data = b""
    while len(data) < _LONGEST_HEAD and _CLUSTER not in data:
        more = film.file.peek(len(data), BLOCK_BYTES)
        if not more:
            break
        data += more
    return data[: data.find(_CLUSTER)] if _CLUSTER in data else b""


def _flv_head(file: SourceFile) -> bytes:
    """Returns the beginning of an FLV with the tags that describe its tracks, before any media."""
    data = file.peek(0, BLOCK_BYTES)
    at = _FLV_HEAD
    while at + _TAG_HEAD + 2 < len(data) and _describes_track(data[at:]):
        at += _TAG_HEAD + int.from_bytes(data[at + 1 : at + 4]) + 4
    return data[:at]


def _describes_track(tag: bytes) -> bool:
    """Whether a tag holds data or the settings of a decoder, not sound or picture."""
    first, second = tag[_TAG_HEAD], tag[_TAG_HEAD + 1]
    if tag[0] == _SOUND:
        return first >> 4 == _AAC and second == 0
    if tag[0] == _PICTURE:
        is_extended = first & 0x80 != 0
        return first & 0x0F == 0 if is_extended else first & 0x0F == _AVC and second == 0
    return tag[0] == _DATA


def _next_place(film: Film, offset: int, budget: FrameBudget) -> int | None:
    """Returns the first place at or behind `offset` where the film can be entered."""
    is_flv = film.container.format.name == "flv"
    budget.start_place()
    while offset < film.file.size and not budget.is_spent_here:
        data = film.file.peek(offset, BLOCK_BYTES)
        for match in (_TAG_START if is_flv else _CLUSTER_START).finditer(data):
            place = offset + match.start()
            if not is_flv or _is_tag(film.file, place):
                return place
        if len(data) <= _OVERLAP:
            return None
        offset += len(data) - _OVERLAP
    return None


def _is_tag(file: SourceFile, place: int) -> bool:
    size = int.from_bytes(file.peek(place + 1, 3))
    behind = file.peek(place + _TAG_HEAD + size, 4)
    return size > 0 and int.from_bytes(behind) == _TAG_HEAD + size
