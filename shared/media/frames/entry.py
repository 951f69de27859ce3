"""Frames of FLV and Matroska without an index: both can be entered at any byte.

A tag of FLV repeats its size behind itself, and each cluster of Matroska has an identifier and its
own time. So from any position the next such place is found, and the bytes after it are
demuxed as a stream of its own behind the head of the file.
"""

from collections.abc import Iterator

from shared.media.frames import samples
from shared.media.frames.budget import FrameBudget
from shared.media.frames.entered import head_of, packets_from
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import next_picture
from shared.media.inspect.formats import FORMATS_ENTERED_ANYWHERE
from shared.media.reading.entry_points import (
    CLUSTER_START,
    TAG_HEAD,
    TAG_START,
)
from shared.media.reading.source import BLOCK_BYTES, SourceFile

# Two neighbouring pieces overlap by this much, so that no place is missed between them.
_OVERLAP = 32


def can_enter_anywhere(film: Film) -> bool:
    """Whether the film is of a format that can be entered at any byte."""
    return film.container.format.name in FORMATS_ENTERED_ANYWHERE


def frames_by_entry(film: Film, budget: FrameBudget) -> Iterator[TimedFrame]:
    """Yields frames from places spread over the whole film, halves before quarters.

    Where to look for a moment is reckoned from the moments that were found before.
    """
    first = len(head_of(film))
    known = [(0, film.begin), (film.file.size, film.end)]
    seen: set[int] = set()
    for target in samples.halving(samples.parts(film.begin, film.end, budget.count)):
        if budget.is_spent:
            break
        offset = max(first, _reckoned(known, target, film))
        place = _next_place(film, offset, budget)
        frame = None if place is None else _frame_from(film, place, budget)
        budget.reach(target)
        if frame is None or place is None:
            continue
        known = sorted({*known, (place, frame.timestamp)})
        if frame.timestamp not in seen:
            seen.add(frame.timestamp)
            film.places[frame.timestamp] = place
            yield frame
    else:
        budget.reach(film.end)


def _reckoned(known: list[tuple[int, int]], target: int, film: Film) -> int:
    """Returns about where `target` lies, between two places whose times are known."""
    before = max((each for each in known if each[1] <= target), default=known[0])
    behind = min((each for each in known if each[1] > target), default=known[-1])
    span = behind[1] - before[1]
    if span <= 0:
        return film.file.size // 2
    return before[0] + (behind[0] - before[0]) * (target - before[1]) // span


def _frame_from(film: Film, place: int, budget: FrameBudget) -> TimedFrame | None:
    return next_picture(film, packets_from(film, place), budget)


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
