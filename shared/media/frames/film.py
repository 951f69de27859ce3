"""The picture track of an open file: its times, its packets, and decoding them.

What to decode, and which frame is wanted, is decided elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.inspect.layout import Layout
from shared.media.reading.bounds import LONGEST_SECONDS, ticks_for_ffmpeg
from shared.media.reading.container import is_damage
from shared.media.reading.source import SourceFile


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A decoded frame and where it is, in units of the stream's time base."""

    frame: VideoFrame
    timestamp: int


class Film:
    """One picture track of `container`, which reads from `file`.

    Timestamps are in units of the stream's time base, seconds count from where the film begins.
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
    ) -> None:
        self.container = container
        self.stream = stream
        self.file = file
        self.layout = layout
        self._clip_seconds = clip_seconds
        self._frame_rate = frame_rate
        base = stream.time_base
        self._base = Fraction(base.num, base.den)

    @property
    def begin(self) -> int:
        """Where the film begins."""
        return self.stream.start_time or 0

    @property
    def length(self) -> int:
        """How long the film is, 0 if that is unknown: at most as long as the clip."""
        clip = self.duration(self._clip_seconds or 0.0)
        told = self.stream.duration or 0
        return min(told, clip) if told > 0 else clip

    @property
    def frames(self) -> int:
        """About how many frames the film has, 0 if nothing tells."""
        if self._frame_rate is None or self.length == 0:
            return max(0, self.stream.frames)
        return int(self.length * self._base * Fraction(self._frame_rate))

    def seconds(self, timestamp: int) -> float:
        """Return how far into the film a timestamp is."""
        return float((timestamp - self.begin) * self._base)

    def timestamp(self, seconds: float) -> int:
        """Return the last timestamp that is not behind `seconds` into the film."""
        return self.begin + self.duration(seconds)

    def duration(self, seconds: float) -> int:
        """Return `seconds`, within the longest film, in units of the time base."""
        return int(Fraction(min(max(seconds, -LONGEST_SECONDS), LONGEST_SECONDS)) / self._base)

    def seek(self, timestamp: int) -> None:
        """Go to the keyframe at or before `timestamp`; MPEG, by decoding time, may miss it."""
        if timestamp <= self.begin:
            timestamp = min(timestamp, 0)  # well before the first, whatever its decoding time is
        self.container.seek(ticks_for_ffmpeg(timestamp), stream=self.stream)

    def packets(self) -> "Iterator[Packet[VideoStream]]":
        """Yield the packets from the position of the demuxer on; an empty one is the last.

        Raises:
            UnplayableClip: a limit was reached.
            BaseException: whatever the source raised, unchanged.
        """
        for packet in self.container.demux(self.stream):
            self.file.check()
            yield packet

    def decode(self, packet: "Packet[Any] | None") -> list[VideoFrame]:
        """Decode one packet; a damaged one gives no frame, and the film goes on behind it.

        Raises:
            MemoryError: a limit was reached, which is no damage: see `memory`.
        """
        try:
            return self.stream.codec_context.decode(packet)
        except av.FFmpegError as error:
            if not is_damage(error):
                raise
            return []
        except ValueError:  # PyAV's: the decoder could not be opened
            return []

    def decode_alone(self, packet: "Packet[Any]") -> VideoFrame | None:
        """Decode one keyframe by itself: send it, drain the decoder, make it ready for the next."""
        frames = [*self.decode(packet), *self.decode(None)]
        self.stream.codec_context.flush_buffers()
        return frames[0] if frames else None
