"""Which samples of an MP4 a cut needs, and at which time it begins and ends.

Times are fractions of seconds on the movie's clock: 0 is the first moment that a player shows.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from shared.errors import CutOutOfRange
from shared.media.cutting.by_index.mp4_index import Movie, Track
from shared.media.cutting.unsuitable import Unsuitable
from shared.model.cut_method import Accuracy

# A time that was written with three decimals still means the frame that it names.
_TOLERANCE = Fraction(1, 2000)
# Sound before the cut's beginning that the decoder needs: RFC 7845, section 4.6, asks for 80 ms.
_OPUS_PREROLL = Fraction(80, 1000)
# Each takes some 70 bytes of memory while it is sorted, and several calls may cut at a time.
# So many are 22 hours at 25 frames a second.
_MOST_FRAMES = 2_000_000
# If the keyframe is more seconds before the start than this, the clip is encoded instead.
FARTHEST_KEYFRAME = Fraction(60)


class TooManyFrames(Exception):
    """The range has more frames than were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The samples of one track that a cut keeps, in decoding order.

    `start` and `end` are presentation times of the track; `delay` is by how many seconds the
    track begins later than the cut.
    """

    track: Track
    numbers: Sequence[int]
    start: int
    end: int
    delay: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The start and end of a cut, in seconds, and the samples that it is made of."""

    start: Fraction
    end: Fraction
    selections: Sequence[Selection]


class Timeline:
    """The main track of a movie in the order in which it is shown; made once for many cuts."""

    def __init__(self, movie: Movie) -> None:
        self.main = _main_track(movie)
        self._sounds = [t for t in movie.tracks if not t.is_picture and t is not self.main]
        track = self.main
        if track.count > _MOST_FRAMES:
            raise Unsuitable("the film has too many frames")
        presented = track.presentation_times()
        last = None if track.shown is None else track.zero + track.shown
        self._order = _sorted(range(track.count), presented)
        self._times = array("q", map(presented.__getitem__, self._order))
        self._first = bisect_left(self._times, track.zero)
        if self._first and track.zero not in self._times[self._first : self._first + 1]:
            self._first -= 1  # the frame that is on the screen when the movie begins
        self._behind = len(self._times) if last is None else bisect_left(self._times, last)
        self._sync = self._order if track.sync is None else _sorted(track.sync, presented)
        self._sync_times = array("q", map(presented.__getitem__, self._sync))

    @property
    def duration(self) -> Fraction:
        """Seconds from the movie's beginning to the end of the last frame that is shown."""
        return self.main.seconds(self._end_of(self._behind - 1)) if self._behind else Fraction(0)

    @property
    def keyframe_count(self) -> int:
        """How many keyframes are shown."""
        end = self._end_of(self._behind - 1) if self._behind else 0
        return sum(self.main.zero <= time < end for time in self._sync_times)

    def select(
        self, start: float, end: float, accuracy: Accuracy, most_frames: int | None = None
    ) -> Span:
        """The samples for a range in seconds; raises CutOutOfRange, Unsuitable, TooManyFrames."""
        first, last = self._frames(Fraction(start), Fraction(end))
        wanted = max(self._times[first], self.main.zero)
        key_time, key = self._keyframe_for(self._times[first])
        if key_time < self.main.zero:
            raise Unsuitable("the keyframe before the start is hidden by an edit list")
        if self.main.seconds(wanted) - self.main.seconds(key_time) > FARTHEST_KEYFRAME:
            raise Unsuitable("the keyframes are too far apart")
        begin = key_time if accuracy is Accuracy.KEYFRAME else wanted
        until = self._end_of(last)
        newest = max(self._order[bisect_left(self._times, begin) : last + 1])
        if most_frames is not None and newest - key >= most_frames:
            raise TooManyFrames
        # Frames that are decoded after the keyframe but shown before it need what came earlier.
        numbers = [n for n in range(key, newest + 1) if self.main.presented(n) >= key_time]
        main = Selection(
            track=self.main, numbers=numbers, start=begin, end=until, delay=Fraction(0)
        )
        begins, ends = self.main.seconds(begin), self.main.seconds(until)
        sounds = (_sound(track, begins, ends) for track in self._sounds)
        return Span(
            start=begins,
            end=ends,
            selections=[main, *(selection for selection in sounds if selection is not None)],
        )

    def _frames(self, start: Fraction, end: Fraction) -> tuple[int, int]:
        """The first and the last frame shown in a range, by their place in the order."""
        low = self.main.units(start + _TOLERANCE)
        high = self.main.units(end - _TOLERANCE)
        if self._first >= self._behind or low >= self._end_of(self._behind - 1):
            raise CutOutOfRange(f"The picture ends at {float(self.duration):.3f} s.")
        first = max(self._first, bisect_right(self._times, low) - 1)
        last = min(self._behind, bisect_left(self._times, high)) - 1
        return first, max(first, last)

    def _keyframe_for(self, time: int) -> tuple[int, int]:
        """Time and number of the last keyframe at or before a time."""
        at = bisect_right(self._sync_times, time) - 1
        if at < 0:
            raise Unsuitable("there is no keyframe before the start")
        return self._sync_times[at], self._sync[at]

    def _end_of(self, place: int) -> int:
        """When the frame at a place of the order stops to be shown."""
        if place + 1 < len(self._times):
            end = self._times[place + 1]
        else:
            number, times = self._order[place], self.main.decode_times
            end = self._times[place] + max(1, times[number + 1] - times[number])
        limit = None if self.main.shown is None else self.main.zero + self.main.shown
        return end if limit is None else min(end, limit)


def _sorted(numbers: Iterable[int], presented: array[int]) -> array[int]:
    """Numbers of samples in the order in which they are shown."""
    # The time and the number in one integer: half the memory of a list with a list of its keys.
    keys = sorted(presented[number] << 32 | number for number in numbers)
    return array("I", (key & 0xFFFF_FFFF for key in keys))


def _main_track(movie: Movie) -> Track:
    """The picture, or the sound of a film without one.

    Enabled tracks come before others, many samples before a single one.
    """
    pictures = [track for track in movie.tracks if track.is_picture]
    candidates = pictures or list(movie.tracks)
    if not candidates:
        raise Unsuitable("there is no track of pictures or sound")
    return max(candidates, key=lambda track: (track.count > 1, track.enabled))


def _sound(track: Track, start: Fraction, end: Fraction) -> Selection | None:
    """The samples of a sound track between two moments; None where it is silent."""
    low, high = track.units(start), track.units(end)
    if track.shown is not None:
        high = min(high, Fraction(track.zero + track.shown))
    times = track.decode_times
    first = bisect_right(times, low, 0, track.count) - 1
    last = bisect_left(times, high, 0, track.count) - 1
    if last < 0 or last < first or times[track.count] <= low or high <= low:
        return None
    begins = max(first, 0)
    delay = max(Fraction(0), track.seconds(times[begins]) - start)
    begin = round(low) if not delay else times[begins]
    preroll = times[begins] - round(_preroll(track) * track.timescale)
    begins = max(0, min(begins - 1, bisect_right(times, preroll, 0, track.count) - 1))
    return Selection(
        track=track,
        numbers=range(begins, last + 1),
        start=begin,
        end=min(round(high), times[last + 1]),
        delay=delay,
    )


def _preroll(track: Track) -> Fraction:
    description = track.box.child(b"mdia", b"minf", b"stbl", b"stsd")
    return _OPUS_PREROLL if bytes(description.body[12:16]) == b"Opus" else Fraction(0)
