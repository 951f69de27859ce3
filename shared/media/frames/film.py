"""The picture track of an open file: its times and its packets.

What to decode, and which frame is wanted, is decided elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.frames.decoder import Decoder
from shared.media.frames.film_times import FilmTimes, Pauses, units_of
from shared.media.inspect.formats import FORMATS_ENTERED_ANYWHERE, FORMATS_THAT_SEEK_WITHOUT_INDEX
from shared.media.inspect.layout import Layout
from shared.media.reading.bounds import BEFORE_ALL_TICKS, is_believable_time, ticks_for_ffmpeg
from shared.media.reading.container import SEARCH_BYTES, goes_to_first_place, is_damage, searching
from shared.media.reading.source import SourceFile

# Where FFmpeg looks for a time in the file itself, it may pass over the keyframe that is there.
_BEFORE_FIRST_SECONDS = 10.0

# The bit rate of a film varies: a time is searched for in so much more than its share of the bytes.
_SEARCHED_SHARE = Fraction(5, 4)

# A place of the film so long before a moment is near it.
_NEAR_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A decoded frame and when it is shown, in units of the stream's time base."""

    frame: VideoFrame
    timestamp: int


class Film:
    """One picture track of `container`, which reads from `file`.

    Timestamps are in units of the stream's time base. Seconds count from where the clip begins,
    as players count them: the sound may begin before the picture.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        file: SourceFile,
        layout: Layout,
        *,
        clip_seconds: float | None = None,
        frame_rate: float | None = None,
        first_seen: int | None = None,
    ) -> None:
        self.container = container
        self.stream = stream
        self.file = file
        self.layout = layout
        self._frame_rate = frame_rate
        base = stream.time_base
        self._base = Fraction(base.num, base.den)
        self._pauses = Pauses(stream, layout)
        self.places: dict[int, int] = {}
        clip = units_of(clip_seconds or 0.0, self._base)
        times = FilmTimes(container, stream, layout, clip, first_seen)
        self.first_timestamp = times.first
        self.begin, self.zero, self.end = times.begin, times.zero, times.end
        self.decoder = Decoder(stream, self.frames)

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

    @property
    def frames(self) -> int:
        """About how many frames the film has, 0 if that is unknown."""
        if self._frame_rate is None or self.length == 0:
            return max(0, self.stream.frames)
        return int(self.length * self._base * Fraction(self._frame_rate))

    @property
    def frame_length(self) -> int:
        """How long one frame is shown, 0 if that is unknown."""
        return self.duration(1 / self._frame_rate) if self._frame_rate else 0

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
        return timestamp >= self.begin and timestamp not in self._pauses

    def seconds(self, timestamp: int) -> float:
        """Returns how far into the clip a timestamp is."""
        return float((timestamp - self.zero) * self._base)

    def timestamp(self, seconds: float) -> int:
        """Returns the last timestamp that is not later than `seconds` into the clip."""
        return self.zero + self.duration(seconds)

    def duration(self, seconds: float) -> int:
        """Returns `seconds`, within the longest film, in units of the time base."""
        return units_of(seconds, self._base)

    def seek(self, timestamp: int) -> None:
        """Goes to the keyframe at or before `timestamp`; MPEG, by decoding time, may miss it."""
        from_first = timestamp <= self.begin or self._has_no_keyframe_before(timestamp)
        if from_first:
            timestamp = self._first_of_all(timestamp)
        # The first of all frames need not be a keyframe.
        any_frame = from_first and self.layout.is_mp4
        target = ticks_for_ffmpeg(timestamp)
        with searching(self.container, self.file, self._search_bytes(timestamp)):
            if not (from_first and goes_to_first_place(self.container)):
                self.container.seek(target, stream=self.stream, any_frame=any_frame)
        self.decoder.forget()

    def try_seek(self, timestamp: int) -> bool:
        """Goes there as `seek` does; False if FFmpeg cannot, as in Matroska without a keyframe.

        Raises FFmpeg's error in formats that can be read from no other place either.
        """
        try:
            self.seek(timestamp)
        except av.FFmpegError as error:
            if self.container.format.name not in FORMATS_ENTERED_ANYWHERE or not is_damage(error):
                raise
            return False
        return True

    def _search_bytes(self, timestamp: int) -> int:
        """Returns how much may be read to find a keyframe: up to about where it must be."""
        if self.length <= 0:
            return self.file.size if timestamp > self.begin else SEARCH_BYTES
        share = Fraction(min(max(0, timestamp - self.begin), self.length), self.length)
        return SEARCH_BYTES + int(_SEARCHED_SHARE * share * self.file.size)

    def place_before(self, timestamp: int) -> int | None:
        """Returns from which byte on the film was decoded to a frame shortly before, or at, this.

        None if it was not: `places` has what is known of a film that is entered anywhere.
        """
        earliest = timestamp - self.duration(_NEAR_SECONDS)
        known = [known for known in self.places if earliest <= known <= timestamp]
        return self.places[max(known)] if known else None

    def seek_sample(self, timestamp: int) -> None:
        """Goes to the last keyframe in the index that is decoded and shown by then."""
        self.container.seek(ticks_for_ffmpeg(timestamp), stream=self.stream)
        self.decoder.forget()

    def packets(self) -> "Iterator[Packet[VideoStream]]":
        """Yields the packets from the position of the demuxer on; an empty one is the last.

        Several pictures in one packet of MPEG-PS or ASF have one time: the others are given theirs.
        Raises UnplayableClip when a limit is reached, and any exception of the source, unchanged.
        """
        follows = None
        for packet in self.container.demux(self.stream):
            self.file.check()
            if packet.size and packet.pts is None and packet.dts is None:
                packet.dts = follows
                if not self.stream.codec_context.has_b_frames:
                    packet.pts = follows
            time = packet.dts if packet.pts is None else packet.pts
            follows = None if time is None else time + self.frame_length
            yield packet

    def _has_no_keyframe_before(self, timestamp: int) -> bool:
        """Whether FFmpeg would find nothing for `timestamp` in the index of an MP4."""
        entries = self.stream.index_entries
        return self.layout.is_mp4 and len(entries) > 0 and entries.search_timestamp(timestamp) < 0

    def _first_of_all(self, timestamp: int) -> int:
        """Returns where to seek to for the first of all frames.

        An index has decoding times, which may be far below zero.
        """
        entries = self.stream.index_entries
        first = entries[0].timestamp if len(entries) else 0
        if self.layout.is_mp4 and len(entries):
            return BEFORE_ALL_TICKS  # edits may have put later samples before the first
        before = min(timestamp, 0)
        if self.container.format.name == "asf":
            return 0  # its demuxer begins anew at exactly this time, and searches at others
        if self.container.format.name in FORMATS_THAT_SEEK_WITHOUT_INDEX:
            return min(before, timestamp - self.duration(_BEFORE_FIRST_SECONDS))
        return min(before, first)
