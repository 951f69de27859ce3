"""Frames spread over a film, with as few bytes and as little decoding as its format allows.

Five ways. MP4 and MOV name position and size of every sample, so exactly the keyframes are fetched
and decoded by themselves (`ranges`). Formats in which a position is found cheaply are seeked and
demuxed. A short film with too few keyframes is played from end to end. FLV and live Matroska are
entered anywhere (`entry`). The rest is read from the beginning. None of them judges a frame.

Where all that gives a single frame, a part of the film is played: from the beginning, as far as the
budget goes.
"""

from collections.abc import Callable, Iterator
from itertools import batched, islice

from shared.media.failures import FailureCode
from shared.media.frames import entry, ranges, samples
from shared.media.frames.budget import FrameBudget
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import next_picture, onward
from shared.media.inspect.formats import FORMATS_THAT_SEEK_WITHOUT_INDEX
from shared.media.reading.container import ffmpeg_errors

# A film is played from end to end if it is no longer than 250 frames of Full HD, or as much work in
# another size: about a second of one processor.
_PLAYED_BYTES = 24 * 1024 * 1024
_PLAYED_PIXELS = 250 * 1920 * 1088

# What one request reads of a film that is played: all of it is needed.
_PLAYED_AT_ONCE = 1024 * 1024

# One frame may stand for so many seconds of a film.
_ONE_FRAME_SECONDS = 10.0

# How many places of an index are fetched together.
_SEEKS_AT_ONCE = 4


# What is done with each frame of a film that is played.
type Passed = Callable[[TimedFrame], None]


def spread(film: Film, budget: FrameBudget, passed: Passed | None = None) -> Iterator[TimedFrame]:
    """Yields up to `budget.count` frames, in any order, spread over the film where possible.

    Fewer when the film has fewer keyframes and is too long to be played, when some cannot be
    decoded, or when the budget is spent (one frame is fetched in any case). Afterwards
    `budget.reached` says how far into the film was searched. If the film is played from end to end,
    `passed` is given each of its frames.

    Raises UnplayableClip for damage that FFmpeg cannot get over or when a limit is reached, and
    any exception of the source, unchanged.
    """
    with ffmpeg_errors(film.file, FailureCode.UNDECODABLE):
        found = 0
        for frame in _searched(film, budget, passed):
            found += 1
            yield frame
        if found == 1 and film.length_seconds > _ONE_FRAME_SECONDS and not _is_short(film):
            yield from _by_playing_a_part(film, budget)


def _searched(film: Film, budget: FrameBudget, passed: Passed | None) -> Iterator[TimedFrame]:
    if _has_sample_places(film):
        yield from _by_index(film, budget, passed)
    elif _is_short(film):
        yield from _by_playing(film, budget, passed)
    elif _can_seek(film):
        yield from _by_seeking(film, budget)
    elif entry.can_enter_anywhere(film):
        yield from entry.frames_by_entry(film, budget)
    else:
        yield from _by_reading(film, budget)


def still(film: Film) -> TimedFrame | None:
    """Returns the one frame of a cover picture, which FFmpeg hands out anew after each seek.

    Raises as `spread` does.
    """
    with ffmpeg_errors(film.file, FailureCode.UNDECODABLE):
        film.container.seek(0)
        return next_picture(film, film.packets(), FrameBudget(film, 1, film.file.size))


def _by_index(film: Film, budget: FrameBudget, passed: Passed | None) -> Iterator[TimedFrame]:
    keyframes = ranges.KeyframeIndex(film, budget)
    if len(keyframes.chosen) < budget.count / 2 and _is_short(film):
        yield from _by_playing(film, budget, passed)
        return
    yield from keyframes.frames()
    if keyframes.gives_pictures:
        return
    if _is_short(film):
        yield from _by_playing(film, budget, passed)
    else:
        yield from _by_seeking(film, budget)


def _has_sample_places(film: Film) -> bool:
    """Whether FFmpeg knows where each sample lies, not only those of a first fragment."""
    if not film.layout.is_mp4:
        return False
    return not film.layout.fragmented or _index_covers(film)


def _is_short(film: Film) -> bool:
    pixels = film.frames * film.stream.width * film.stream.height
    return film.file.size <= _PLAYED_BYTES and 0 < pixels <= _PLAYED_PIXELS


def _can_seek(film: Film) -> bool:
    """Whether a position is found without reading all that lies before it."""
    if film.layout.is_mp4:
        return True  # a fragmented one has an index of fragments, or ends where FFmpeg has been
    if film.container.format.name in FORMATS_THAT_SEEK_WITHOUT_INDEX:
        return True
    return film.try_seek(film.begin) and _index_covers(film)  # Matroska reads its index now


def _index_covers(film: Film) -> bool:
    entries = film.stream.index_entries
    return len(entries) > 1 and entries[-1].timestamp > film.begin + film.length / 2


def _by_seeking(film: Film, budget: FrameBudget) -> Iterator[TimedFrame]:
    """Seeks halves before quarters, so that whenever the budget ends, the whole film is covered."""
    seen: set[int] = set()
    targets = samples.parts(film.begin, film.end, budget.count)
    for together in batched(samples.halving(targets), _SEEKS_AT_ONCE, strict=False):
        if _index_covers(film):
            film.file.prefetch(samples.places(film.stream.index_entries, together))
        for target in together:
            if budget.is_spent:
                return
            film.seek(target)
            frame = next_picture(film, film.packets(), budget)
            budget.reach(target)
            if frame is not None and frame.timestamp not in seen:
                seen.add(frame.timestamp)
                yield frame
            elif frame is None and len(seen) == 1 and budget.is_spent_here:
                return  # as it seems there is no other keyframe
    budget.reach(film.end)


class _Targets:
    """The moments at which a frame of a film that is played is wanted, spread evenly over it."""

    def __init__(self, film: Film, count: int) -> None:
        self._later = iter(samples.parts(film.begin, film.end, count))
        self._next = next(self._later, None)

    def are_reached_by(self, timestamp: int) -> bool:
        """Whether the frame of this time is the first at or after one of them."""
        if self._next is None or timestamp < self._next:
            return False
        self._next = next((later for later in self._later if later > timestamp), None)
        return True


def _by_playing(film: Film, budget: FrameBudget, passed: Passed | None) -> Iterator[TimedFrame]:
    film.file.read_ahead(_PLAYED_AT_ONCE)
    targets = _Targets(film, budget.count)
    at_no_time: TimedFrame | None = None
    found = False
    for frame in onward(film, film.begin):
        if not film.is_believable(frame.timestamp):  # damage, perhaps of one fragment only
            at_no_time = at_no_time or TimedFrame(frame.frame, film.begin)
            continue
        budget.reach(frame.timestamp)
        if passed is not None:
            passed(frame)
        if targets.are_reached_by(frame.timestamp):
            found = True
            yield frame
    if at_no_time is not None and not found:
        yield at_no_time
    budget.reach(film.end)


def _by_playing_a_part(film: Film, budget: FrameBudget) -> Iterator[TimedFrame]:
    budget.begin_anew()
    budget.in_order = budget.has_one_keyframe = True
    targets = _Targets(film, budget.count)
    for frame in onward(film, film.begin):
        budget.count_decoded()
        budget.reach(frame.timestamp)
        if targets.are_reached_by(frame.timestamp):
            yield frame
        if budget.is_spent:
            return
    budget.reach(film.end)


def _by_reading(film: Film, budget: FrameBudget) -> Iterator[TimedFrame]:
    budget.in_order = True
    film.seek(film.begin)
    packets = film.packets()
    pictures = iter(lambda: next_picture(film, packets, budget), None)
    for frame in islice(pictures, budget.count):
        budget.reach(frame.timestamp)
        yield frame
        if budget.is_spent:
            return
    if next(packets, None) is None:
        budget.reach(film.end)
