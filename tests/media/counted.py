"""Films whose every frame shows its number, and whose sound never repeats: what tests of cuts read.

Numbers are drawn as twelve bars, so that any codec keeps them; noise shows where sound begins.
"""

import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from PIL import Image

from tests.media.clips import Clip

RATE = 25
SOUND_RATE = 48_000
_BITS = 12
# A gap of more samples is silence in a player, not rounding of a container's clock.
_GAP = 100
_LIGHT, _DARK, _MIDDLE = 235, 20, 128


def draw_number(size: tuple[int, int], seconds: float) -> Image.Image:
    """The number of the frame at `seconds`, as bars; a `draw` of `clips.Clip`."""
    number = round(seconds * RATE)
    image = Image.new("RGB", size)
    for bit in range(_BITS):
        left, right = bit * size[0] // _BITS, (bit + 1) * size[0] // _BITS
        tone = _LIGHT if number >> bit & 1 else _DARK
        image.paste((tone, tone, tone), (left, 0, right, size[1]))
    return image


def number_in(frame: av.VideoFrame) -> int:
    """The number that a decoded frame shows."""
    image = frame.to_image().convert("L")  # type: ignore[no-untyped-call]  # PyAV annotates none
    points = [
        ((2 * bit + 1) * image.width // (2 * _BITS), image.height // 2) for bit in range(_BITS)
    ]
    return sum(
        (int(image.getpixel(point) or 0) > _MIDDLE) << bit for bit, point in enumerate(points)
    )


def noise(samples: int) -> array[int]:
    """Mono sound of 16 bits, the same at every call."""
    source = random.Random(7)
    # Held for eight samples, so that a lossy codec keeps it.
    held = [source.randint(-9000, 9000) for _ in range(samples // 8 + 1)]
    return array("h", (held[place // 8] for place in range(samples)))


def encode_noise(container: OutputContainer, stream: AudioStream, seconds: float) -> None:
    """Encodes the noise into a mono stream of 48 kHz; call it before or after the picture."""
    context = stream.codec_context
    context.open(strict=False)
    sound = noise(round(seconds * SOUND_RATE))
    resampler = av.AudioResampler(
        format=context.format.name,
        layout="mono",
        rate=SOUND_RATE,
        frame_size=context.frame_size or 1024,
    )
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(sound))
    frame.planes[0].update(sound.tobytes())
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


@dataclass(frozen=True, slots=True)
class Shown:
    """The content that a player shows: (seconds, number) of every frame, and the mono sound."""

    frames: Sequence[tuple[float, int]]
    sound: array[int]
    duration: float

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.frames]


def shown(path: Path) -> Shown:
    """Decodes a file as a player does, edit lists honoured; times count from its beginning."""
    frames: list[tuple[float, int]] = []
    with av.open(str(path)) as container:
        duration = (container.duration or 0) / 1_000_000
        zero = (container.start_time or 0) / 1_000_000
        for frame in container.decode(video=0) if container.streams.video else ():
            assert frame.pts is not None
            assert frame.time_base is not None
            frames.append((float(frame.pts * frame.time_base) - zero, number_in(frame)))
    return Shown(frames, _sound(path), duration)


def _sound(path: Path) -> array[int]:
    samples = array("h")
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return samples
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SOUND_RATE)
        zero = Fraction(container.start_time or 0, 1_000_000)
        for frame in container.decode(audio=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            base = Fraction(frame.time_base.num, frame.time_base.den)
            place = round((frame.pts * base - zero) * SOUND_RATE)
            if place - len(samples) > _GAP:
                samples.extend([0] * (place - len(samples)))
            for piece in resampler.resample(frame):
                samples.frombytes(bytes(piece.planes[0])[: 2 * piece.samples])
    return samples


def sound_shift(whole: array[int], part: array[int], seconds: float, *, most: int = 400) -> int:
    """The delay of `part` in samples against `whole` from `seconds` on, at most +-`most`."""
    begin, length = round(seconds * SOUND_RATE), 2400
    skip = 4800  # the first frames of a decoder differ a little
    piece = part[skip : skip + length]

    def difference(shift: int) -> int:
        at = begin + skip - shift
        return sum(abs(a - b) for a, b in zip(piece[::5], whole[at : at + length : 5], strict=True))

    return min(range(-most, most + 1), key=difference)


def counted(**changes: Any) -> Clip:  # noqa: ANN401 - the fields of a Clip, of any type
    """The recipe of a film of numbered frames with noise as sound; `changes` as for a Clip."""
    plain = Clip(seconds=8.0, size=(96, 64), gop=50, frame_rate=RATE, sounds=("aac",), channels=1)
    return replace(plain, **{"draw": draw_number, "encode_sound": encode_noise} | changes)


# Containers without the display time of each picture, which B-frames need.
UNTIMED = {
    "h264.avi": counted(
        codec_options={"preset": "ultrafast", "bf": "2"}, sounds=("libmp3lame",), seconds=4.0
    ),
    "mpeg4.avi": counted(
        codec="mpeg4", codec_options={"bf": "2"}, sounds=("libmp3lame",), seconds=4.0
    ),
    "h264.vob": counted(
        codec_options={"preset": "ultrafast", "bf": "2"}, sounds=("mp2",), seconds=4.0
    ),
}
