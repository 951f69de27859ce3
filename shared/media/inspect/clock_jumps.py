"""Where the times in a part of an MPEG stream show that its clock begins anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from shared.media.reading.mpeg_clock import (
    CLOCK_RATE,
    PICTURES,
    Joint,
    MpegPart,
    TimedPacket,
    ticks_between,
)

# From one picture to the next the clock goes back by no more than this, and by so many pictures:
# those without a decoding time are out of order. It goes ahead by no more either; sound that goes
# on shows that a picture stands longer.
_MOST_BACK, _MOST_PICTURES_BACK = CLOCK_RATE // 2, 5
_MOST_AHEAD, _MOST_PICTURES_AHEAD = 10 * CLOCK_RATE, 10

# Tracks of one clock begin within this time.
_TOGETHER = 10 * CLOCK_RATE

# So many pictures may be shown in another order than they are decoded in.
_REORDERED = 16

# In front of a picture, the last sound of each track is among so many packets.
_NEAR = 100

# A clock that jumps more often is none.
_MOST_JUMPS = 64


@dataclass(frozen=True, slots=True)
class FilmTracks:
    """The tracks of a film, which have one clock; `main` is its picture, or its only sound."""

    main: int
    all: frozenset[int]

    @classmethod
    def of(cls, times: Sequence[TimedPacket]) -> "FilmTracks | None":
        """Returns the tracks that begin together with the first picture; None if there is none."""
        first = {each.track: each for each in reversed(times)}
        if not first:
            return None
        main = min(first.values(), key=lambda each: (each.stream not in PICTURES, each.place))
        together = (
            track
            for track, each in first.items()
            if abs(ticks_between(main.decoded, each.decoded)) < _TOGETHER
        )
        return cls(main.track, frozenset(together))


def jumps_in(part: MpegPart, tracks: FilmTracks) -> list[Joint]:
    """Returns where the clock jumps; `added` lets it go on there, without any jump in front of it.

    The first picture behind a jump is then shown one picture's time after all that are in front of
    it.
    """
    times = [each for each in part.times if each.track in tracks.all]
    numbers = [number for number, each in enumerate(times) if each.track == tracks.main]
    pictures = [times[number] for number in numbers]
    usual = _usual_step(part, pictures)
    begins, places = [0], []
    for number, (first, last) in enumerate(pairwise(numbers), 1):
        before, between = times[first], times[first + 1 : last + 1]
        shown = usual * part.pictures_between(before.place, times[last].place)
        jump = ticks_between(before.decoded, times[last].decoded) - shown
        if _is_jump(jump, before, between, usual):
            begins.append(number)
            places.append(_first_of_new(jump, times[max(0, first - _NEAR) : first + 1], between))
        if len(places) > _MOST_JUMPS:
            return []
    ends = [*begins[1:], len(pictures)]
    runs = [pictures[begin:end] for begin, end in zip(begins, ends, strict=True)]
    return [
        Joint(place, _missing(part, old, new, usual, place))
        for (old, new), place in zip(pairwise(runs), places, strict=True)
    ]


def _usual_step(part: MpegPart, pictures: Sequence[TimedPacket]) -> int:
    """Returns how long a picture usually is shown; 0 if that is unknown."""
    steps = (
        ticks_between(before.decoded, behind.decoded)
        // part.pictures_between(before.place, behind.place)
        for before, behind in pairwise(pictures)
    )
    return int(median([step for step in steps if step > 0] or [0]))


def _is_jump(jump: int, before: TimedPacket, between: Sequence[TimedPacket], usual: int) -> bool:
    """Whether the clock goes back, or ahead without sound that goes on meanwhile.

    `jump` is by how much more than the pictures are shown it goes ahead from the picture `before`
    to the last packet of `between`, the next picture with a time.
    """
    if -max(_MOST_BACK, _MOST_PICTURES_BACK * usual) <= jump <= _most_ahead(usual):
        return False
    passed = sorted(ticks_between(before.decoded, each.decoded) for each in between)
    gaps = (later - earlier for earlier, later in pairwise([0, *(t for t in passed if t > 0)]))
    return jump < 0 or max(gaps) > _most_ahead(usual)


def _most_ahead(usual: int) -> int:
    return max(_MOST_AHEAD, _MOST_PICTURES_AHEAD * usual)


def _missing(
    part: MpegPart,
    old: Sequence[TimedPacket],
    new: Sequence[TimedPacket],
    usual: int,
    place: int,
) -> int:
    """Returns what has to be added to the times behind a joint at this place.

    Where most pictures have no time, the next one is decoded after all that are stored.
    """
    last, first = old[-1].decoded, new[0].decoded
    if not part.is_transport:
        return ticks_between(first, last) + usual * part.pictures_between(old[-1].place, place)
    shown_last = max(ticks_between(last, each.shown) for each in old[-_REORDERED:])
    shown_first = min(ticks_between(first, each.shown) for each in new[:_REORDERED])
    return ticks_between(first, last) + shown_last + usual - shown_first


def _first_of_new(jump: int, before: Sequence[TimedPacket], between: Sequence[TimedPacket]) -> int:
    """Returns where the new clock begins: at the first packet whose track jumps as the picture.

    Sound may come before the picture.
    """
    latest = {each.track: each.decoded for each in before}
    for each in between:
        step = ticks_between(latest.get(each.track, before[-1].decoded), each.decoded)
        if abs(step - jump) < abs(step):
            return each.place
        latest[each.track] = each.decoded
    return between[-1].place
