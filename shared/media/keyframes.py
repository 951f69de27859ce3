"""Where the keyframes of a film are, and decoding them with as few bytes as possible.

Three ways. MP4 and MOV name position and size of every sample, so exactly the keyframes are
fetched and decoded by themselves. Formats in which a position is found cheaply are seeked and
demuxed. The rest is read from the beginning. None of them judges a frame.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

import av
from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.container import ffmpeg_errors
from shared.media.failures import FailureCode
from shared.media.formats import FORMATS_THAT_SEEK_WITHOUT_INDEX
from shared.media.layout import Layout
from shared.media.source import SourceFile

_MAX_KEYFRAME_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A decoded frame and where it is, in units of the stream's time base."""

    frame: VideoFrame
    timestamp: int


@dataclass(frozen=True, slots=True)
class _Sample:
    offset: int
    length: int
    timestamp: int


class Keyframes:
    """The keyframes of one film, by ranges, seeking or reading on, whatever its format allows.

    All iterators raise `UnplayableClip` for damage that FFmpeg cannot get over and for limits,
    and whatever the source raised, unchanged.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, file: SourceFile, layout: Layout
    ) -> None:
        """Look into `stream` of `container`, which reads from `file`."""
        self._container = container
        self._stream = stream
        self._file = file
        self._layout = layout

    @property
    def begin(self) -> int:
        """Where the film begins, in units of the stream's time base."""
        return self._stream.start_time or 0

    def spread(self, count: int, max_bytes: int) -> Iterator[TimedFrame]:
        """Yield up to `count` keyframes, in order, spread over the film where that is possible.

        Fewer when the film has fewer, when some cannot be decoded, or when the next one would
        exceed `max_bytes` in all (the first is always fetched).
        """
        with ffmpeg_errors(self._file, FailureCode.UNDECODABLE):
            if self._has_sample_places():
                yield from self._by_ranges(count, max_bytes)
            elif self._can_seek():
                yield from self._by_seeking(count, max_bytes)
            else:
                yield from self._by_reading(count, max_bytes)

    def onward(self, timestamp: int) -> Iterator[TimedFrame]:
        """Yield every frame from the keyframe at or before `timestamp` on."""
        with ffmpeg_errors(self._file, FailureCode.UNDECODABLE):
            self._seek(timestamp)
            for packet in self._container.demux(self._stream):
                self._file.check()
                for frame in self._decoded(packet):
                    yield TimedFrame(frame, timestamp if frame.pts is None else frame.pts)

    def still(self) -> VideoFrame | None:
        """Return the one frame of a cover picture, which FFmpeg hands out before all else."""
        with ffmpeg_errors(self._file, FailureCode.UNDECODABLE):
            first = next(self._next_keyframes(), None)
        return first.frame if first else None

    def _by_ranges(self, count: int, max_bytes: int) -> Iterator[TimedFrame]:
        samples = _within(self._samples(count), max_bytes)
        ranges = [(sample.offset, sample.length) for sample in samples]
        for sample, data in zip(samples, self._file.read_ranges(ranges), strict=True):
            self._file.check()
            for frame in self._decoded_alone(Packet(data)):
                yield TimedFrame(frame, sample.timestamp)

    def _samples(self, count: int) -> list[_Sample]:
        """Return where `count` keyframes lie; two targets with one keyframe look ahead as well."""
        entries = self._stream.index_entries
        if len(entries) == 0:
            return []
        numbers: set[int] = set()
        for target in _spread(entries[0].timestamp, entries[-1].timestamp, count):
            number = entries.search_timestamp(target)
            if number in numbers:
                number = entries.search_timestamp(target, backward=False)
            numbers.add(number)
        chosen = [entries[number] for number in sorted(numbers) if number >= 0]
        return [
            _Sample(entry.pos, entry.size, entry.timestamp)
            for entry in chosen
            if entry.pos >= 0 and 0 < entry.size <= _MAX_KEYFRAME_BYTES
        ]

    def _has_sample_places(self) -> bool:
        """Tell whether FFmpeg knows where each sample lies, not only those of a first fragment."""
        if not self._layout.is_mp4:
            return False
        return not self._layout.fragmented or self._index_covers_film()

    def _can_seek(self) -> bool:
        """Tell whether a position is found without reading all that lies before it."""
        if self._layout.is_mp4:
            return True  # a fragmented one has an index of fragments, or ends where FFmpeg has been
        if self._container.format.name in FORMATS_THAT_SEEK_WITHOUT_INDEX:
            return True
        self._seek(self.begin)  # Matroska reads its index now
        return self._index_covers_film()

    def _index_covers_film(self) -> bool:
        entries = self._stream.index_entries
        return len(entries) > 1 and entries[-1].timestamp > self.begin + self._length / 2

    def _by_seeking(self, count: int, max_bytes: int) -> Iterator[TimedFrame]:
        allowed = self._file.bytes_read + max_bytes
        seen: set[int] = set()
        for target in _spread(self.begin, self.begin + self._length, count):
            if seen and self._file.bytes_read > allowed:
                return
            self._seek(target)
            for keyframe in islice(self._next_keyframes(), 1):
                if keyframe.timestamp not in seen:
                    seen.add(keyframe.timestamp)
                    yield keyframe

    def _by_reading(self, count: int, max_bytes: int) -> Iterator[TimedFrame]:
        allowed = self._file.bytes_read + max_bytes
        self._seek(self.begin)
        for keyframe in islice(self._next_keyframes(), count):
            yield keyframe
            if self._file.bytes_read > allowed:
                return

    def _next_keyframes(self) -> Iterator[TimedFrame]:
        """Yield the keyframes from the position of the demuxer on, each decoded by itself."""
        for packet in self._container.demux(self._stream):
            self._file.check()
            if packet.is_keyframe and packet.size:
                timestamp = packet.dts if packet.pts is None else packet.pts
                for frame in self._decoded_alone(packet):
                    yield TimedFrame(frame, timestamp or 0)

    def _seek(self, timestamp: int) -> None:
        """Go to the keyframe at or before `timestamp`; MPEG, by decoding time, may miss it."""
        if timestamp <= self.begin:
            timestamp = min(timestamp, 0)  # well before the first, whatever its decoding time is
        self._container.seek(timestamp, stream=self._stream)

    @property
    def _length(self) -> int:
        """How long the film is, in units of the stream's time base."""
        if self._stream.duration:
            return self._stream.duration
        seconds = Fraction(self._container.duration or 0, av.time_base)
        base = self._stream.time_base
        return int(seconds / Fraction(base.num, base.den))

    def _decoded_alone(self, packet: "Packet[Any]") -> list[VideoFrame]:
        """Decode one keyframe by itself: send it, drain the decoder, make it ready for the next."""
        frames = [*self._decoded(packet), *self._decoded(None)]
        self._stream.codec_context.flush_buffers()
        return frames[:1]

    def _decoded(self, packet: "Packet[Any] | None") -> list[VideoFrame]:
        """Decode one packet; a damaged one gives no frame, and the film goes on behind it."""
        try:
            return self._stream.codec_context.decode(packet)
        except (av.FFmpegError, ValueError):  # PyAV's ValueError: the decoder could not be opened
            return []


def _spread(first: int, last: int, count: int) -> list[int]:
    """Return the middles of `count` equal parts of first..last, so that neither end is hit."""
    return [first + (last - first) * (2 * part + 1) // (2 * count) for part in range(count)]


def _within(samples: list[_Sample], max_bytes: int) -> list[_Sample]:
    """Return as many samples as fit, still spread evenly, at least one if there are any."""
    step, chosen = 1, samples
    while len(chosen) > 1 and sum(sample.length for sample in chosen) > max_bytes:
        step += 1
        chosen = samples[step // 2 :: step]
    return chosen
