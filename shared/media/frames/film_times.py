"""The times of a picture track: where it begins and ends, and what of it is shown.

Nothing is read or decoded here.
"""

from fractions import Fraction

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.inspect.layout import DeclaredTrack, Layout
from shared.media.reading.bounds import LONGEST_SECONDS, is_believable_time

# FFmpeg measures the length of a track in these by its time stamps. In others it is what the
# header says, and that of a fragmented MP4 covers the first fragment only.
_FORMATS_WITH_TRACK_LENGTH = frozenset(("mpegts", "mpeg"))

_MICROSECONDS = 1_000_000


class FilmTimes:
    """The times of one picture track of `container`.

    Timestamps are in units of the stream's time base. Seconds count from where the clip begins,
    as players count them: the sound may begin before the picture.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        layout: Layout,
        clip_seconds: float | None,
    ) -> None:
        self.container = container
        self.stream = stream
        self.layout = layout
        self._clip_seconds = clip_seconds
        self._base = Fraction(stream.time_base.num, stream.time_base.den)
        self._pauses = (
            ()
            if layout.fragmented or not layout.is_mp4
            else tuple(pause for track in self._declared() for pause in track.pauses())
        )
        self.begin = self._first_shown()
        self.zero = self._zero()
        self.end = self._end()

    @property
    def first_timestamp(self) -> int:
        """The time of the first frame, which an edit list may hide."""
        start = self.stream.start_time or 0
        return start if self.is_believable(start) else 0

    @property
    def length(self) -> int:
        """How long the picture lasts, 0 if that is unknown."""
        return self.end - self.begin

    @property
    def length_seconds(self) -> float:
        """How long the picture lasts, in seconds; 0 if that is unknown."""
        return float(self.length * self._base)

    @property
    def picture_seconds(self) -> float:
        """When the picture ends, in seconds from where the clip begins; 0 if that is unknown."""
        return self.seconds(self.end) if self.length else 0.0

    def is_believable(self, timestamp: int) -> bool:
        """Whether a film can have this timestamp."""
        return is_believable_time(timestamp * self._base)

    def is_shown(self, timestamp: int) -> bool:
        """Whether players show what is in the file for this time.

        FFmpeg drops what an edit list hides, but not in a fragmented MP4: there it only moves it
        in front of time zero.
        """
        if not self.layout.is_mp4:
            return True
        hidden = any(start <= timestamp * self._base < end for start, end in self._pauses)
        return timestamp >= self.begin and not hidden

    def seconds(self, timestamp: int) -> float:
        """Returns how far into the clip a timestamp is."""
        return float((timestamp - self.zero) * self._base)

    def timestamp(self, seconds: float) -> int:
        """Returns the last timestamp that is not later than `seconds` into the clip."""
        return self.zero + self.duration(seconds)

    def duration(self, seconds: float) -> int:
        """Returns `seconds`, within the longest film, in units of the time base."""
        bounded = min(max(seconds, -LONGEST_SECONDS), LONGEST_SECONDS)
        # A decimal fraction is hardly ever exact in binary: 3.4 is less than a frame's 3.4.
        return int(Fraction(round(bounded * _MICROSECONDS), _MICROSECONDS) / self._base)

    def _first_shown(self) -> int:
        first = self.first_timestamp
        hidden = self.layout.is_mp4 and first < 0 < first + self.duration(self._clip_seconds or 0.0)
        return 0 if hidden else first

    def _zero(self) -> int:
        """Returns where the clip begins: its first sound or picture, whichever is earlier."""
        start: int | None = self.container.start_time  # PyAV's types leave None out
        if start is None:
            return self.begin
        zero = int(Fraction(start, av.time_base) / self._base)
        if self.layout.is_mp4:
            zero = 0 if self._begins_empty() else max(0, zero)
        clip = self.duration(self._clip_seconds or 0.0)
        is_damage = zero > self.begin or (clip > 0 and self.begin - zero > clip)
        return self.begin if is_damage else zero

    def _begins_empty(self) -> bool:
        return any(track.begins_empty for track in self._declared())

    def _declared(self) -> list[DeclaredTrack]:
        return [track for track in self.layout.tracks if track.number == self.stream.id]

    def _end(self) -> int:
        clip = self.duration(self._clip_seconds or 0.0)
        ends = [self.zero + clip] if clip > 0 else []
        track = self.stream.duration or 0
        if track > 0 and self._knows_track_length():
            ends.append(self.first_timestamp + track)
        return max(self.begin, min(ends, default=self.begin))

    def _knows_track_length(self) -> bool:
        if self.layout.is_mp4:
            return not self.layout.fragmented
        return self.container.format.name in _FORMATS_WITH_TRACK_LENGTH
