"""Sound as an encoder takes it: stereo, in frames of its size, counted from the start of a clip."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av import AudioFrame, AudioResampler, VideoFrame
from av.audio.stream import AudioStream

SOUND_RATE = 48_000


class SoundConverter:
    """Cuts and resamples decoded sound for one encoder; silence fills the gaps of the source."""

    def __init__(self, stream: AudioStream) -> None:
        context = stream.codec_context
        context.open(strict=False)
        self._format = context.format.name
        self._resampler = AudioResampler(format=self._format, layout="stereo", rate=SOUND_RATE)
        self._fifo = av.AudioFifo()
        self._size = context.frame_size or 1024
        self._written = 0
        self._sent = 0

    def from_(self, frame: AudioFrame, begin: Fraction, end: Fraction) -> Iterator[AudioFrame]:
        """The frames that can be encoded after `frame`; only what is heard from begin to end."""
        time = time_of(frame) or begin
        frame.pts = None
        for piece in self._resampler.resample(frame):
            self._write(
                piece, round((time - begin) * SOUND_RATE), round((end - begin) * SOUND_RATE)
            )
            time += Fraction(piece.samples, SOUND_RATE)
        yield from self._read(partial=False)

    def rest(self) -> Iterator[AudioFrame]:
        yield from self._read(partial=True)

    def _write(self, piece: AudioFrame, place: int, most: int) -> None:
        if place > self._written:  # silence, where the source has a gap
            self._fifo.write(_silence(piece, place - self._written))
            self._written = place
        low = max(0, self._written - place)
        high = min(piece.samples, most - place)
        if high > low:
            self._fifo.write(_part(piece, low, high))
            self._written += high - low

    def _read(self, *, partial: bool) -> Iterator[AudioFrame]:
        while self._fifo.samples >= self._size or (partial and self._fifo.samples):
            frame = self._fifo.read(self._size, partial=partial)
            if frame is None:
                return
            frame.pts, frame.time_base = self._sent, Fraction(1, SOUND_RATE)
            self._sent += frame.samples
            yield frame


def _part(piece: AudioFrame, low: int, high: int) -> AudioFrame:
    """The samples `low` to `high` of a frame."""
    width = _bytes_of_a_sample(piece)
    part = AudioFrame(format=piece.format.name, layout=piece.layout.name, samples=high - low)
    for source, target in zip(piece.planes, part.planes, strict=True):
        data = bytes(source)[low * width : high * width]
        target.update(data + bytes(target.buffer_size - len(data)))
    part.sample_rate = SOUND_RATE
    return part


def _silence(like: AudioFrame, samples: int) -> AudioFrame:
    silence = AudioFrame(format=like.format.name, layout=like.layout.name, samples=samples)
    for plane in silence.planes:
        plane.update(bytes(plane.buffer_size))
    silence.sample_rate = SOUND_RATE
    return silence


def _bytes_of_a_sample(frame: AudioFrame) -> int:
    return frame.format.bytes * (1 if frame.format.is_planar else len(frame.layout.channels))


def time_of(frame: VideoFrame | AudioFrame) -> Fraction | None:
    """When a decoded frame is shown or heard, in seconds on the clock of its source."""
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * Fraction(frame.time_base.num, frame.time_base.den)
