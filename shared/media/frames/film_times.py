"""When the picture of a film begins and ends, and where the clip begins, as players count."""

from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate
from math import ceil

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.inspect.layout import DeclaredTrack, Layout
from shared.media.reading.bounds import LONGEST_SECONDS, is_believable_time

# FFmpeg measures the length of a track in these by its time stamps. In others it is what the
# header says, and that of a fragmented MP4 covers the first fragment only.
_FORMATS_WITH_TRACK_LENGTH = frozenset(("mpegts", "mpeg"))

# The last pictures of an MPEG-PS may have no time of their own, which FFmpeg measures by.
_UNTIMED_SECONDS = 2

_MICROSECONDS = 1_000_000


class FilmTimes:
    """`begin` and `end` of the picture, and `zero`, where the clip begins: in the time base.

    `first` is the time of the first frame, which an edit list may hide. `clip` is the length of the
    clip, 0 if that is unknown.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        layout: Layout,
        clip: int,
        first_seen: int | None,
    ) -> None:
        """`first_seen` is the earliest time stamp among the first packets, if these were read.

        FFmpeg may put the start of a slow film at a later frame, the first that it is sure of.
        """
        self._container = container
        self._stream = stream
        self._layout = layout
        self._clip = clip
        self._base = Fraction(stream.time_base.num, stream.time_base.den)
        starts = [each for each in (stream.start_time, first_seen) if each is not None]
        start = min(starts, default=0)
        self.first = start if is_believable_time(start * self._base) else 0
        self.begin = self._first_shown()
        self.zero = self._zero()
        self.end = self._end()

    def _first_shown(self) -> int:
        first = self.first
        hidden = self._layout.is_mp4 and first < 0 < first + self._clip
        return 0 if hidden else first

    def _zero(self) -> int:
        """Returns where the clip begins: its first sound or picture, whichever is earlier."""
        start: int | None = self._container.start_time  # PyAV's types leave None out
        if start is None:
            return self.begin
        zero = int(Fraction(start, av.time_base) / self._base)
        if self._layout.is_mp4:
            zero = 0 if self._begins_empty() else max(0, zero)
        clip = self._clip
        is_damage = zero > self.begin or (clip > 0 and self.begin - zero > clip)
        return self.begin if is_damage else zero

    def _begins_empty(self) -> bool:
        return any(track.begins_empty for track in declared_of(self._stream, self._layout))

    def _end(self) -> int:
        clip = self._clip
        ends = [self.zero + clip] if clip > 0 else []
        track = self._stream.duration or 0
        if track > 0 and self._knows_track_length():
            ends.append(self.first + track + self._untimed_end())
        return max(self.begin, min(ends, default=self.begin))

    def _untimed_end(self) -> int:
        """Returns how much longer than FFmpeg measured the picture may last."""
        return int(_UNTIMED_SECONDS / self._base) if self._container.format.name == "mpeg" else 0

    def _knows_track_length(self) -> bool:
        if self._layout.is_mp4:
            return not self._layout.fragmented
        return self._container.format.name in _FORMATS_WITH_TRACK_LENGTH


class Pauses:
    """The moments at which an edit list shows nothing new, behind the first picture.

    Those of a fragmented MP4 do not count. An edit list may have any number of them: a look for
    one does not take longer then.
    """

    def __init__(self, stream: VideoStream, layout: Layout) -> None:
        base = Fraction(stream.time_base.num, stream.time_base.den)
        tracks = declared_of(stream, layout) if layout.is_mp4 and not layout.fragmented else []
        pauses = sorted(
            (ceil(start / base), ceil(end / base))
            for track in tracks
            for start, end in track.pauses()
        )
        self._starts = [start for start, _ in pauses]
        # Those of two tracks of one number may overlap: up to where all that began by then go.
        self._ends = list(accumulate((end for _, end in pauses), max))

    def __contains__(self, timestamp: int) -> bool:
        """Whether a timestamp, in the time base, is in a pause."""
        number = bisect_right(self._starts, timestamp)
        return number > 0 and timestamp < self._ends[number - 1]


def declared_of(stream: VideoStream, layout: Layout) -> list[DeclaredTrack]:
    """What the container declares about the track of a stream."""
    return [track for track in layout.tracks if track.number == stream.id]


def units_of(seconds: float, base: Fraction) -> int:
    """Returns `seconds`, within the longest film, in units of the time base."""
    bounded = min(max(seconds, -LONGEST_SECONDS), LONGEST_SECONDS)
    # A decimal fraction is hardly ever exact in binary: 3.4 is less than a frame's 3.4.
    return int(Fraction(round(bounded * _MICROSECONDS), _MICROSECONDS) / base)
