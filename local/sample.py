"""Writes a short film for experiments: a moving rainbow, a bouncing ball and a tone.

The command behind `make sample`. Independent of the app, which accepts any film.
"""

import math
import sys
from array import array
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image, ImageChops, ImageDraw

_SECONDS = 4
_WIDTH, _HEIGHT = 640, 360
_FRAME_RATE = 25
_BALL = 40  # pixels, its radius
_SAMPLE_RATE = 48_000
_TONE = 440  # Hz


def write(path: Path) -> None:
    """Writes the film as MP4 with H.264 and AAC, its index in front."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        film = _add_film(container)
        sound = _add_sound(container)
        _encode_film(container, film)
        _encode_sound(container, sound)


def _add_film(container: OutputContainer) -> VideoStream:
    stream = container.add_stream("libx264", rate=_FRAME_RATE)
    stream.width, stream.height = _WIDTH, _HEIGHT
    stream.pix_fmt = "yuv420p"
    stream.gop_size = _FRAME_RATE
    # One thread makes the file the same on every machine. A keyframe each second and no others
    # make the examples of cuts in the documentation right.
    options = {"preset": "veryfast", "crf": "23", "threads": "1", "sc_threshold": "0"}
    stream.codec_context.options = options
    return stream


def _add_sound(container: OutputContainer) -> AudioStream:
    stream = container.add_stream("aac", rate=_SAMPLE_RATE)
    stream.codec_context.layout = "mono"
    return stream


def _encode_film(container: OutputContainer, stream: VideoStream) -> None:
    rainbow = _rainbow()
    for number in range(_SECONDS * _FRAME_RATE):
        image = _picture(rainbow, number / _FRAME_RATE)
        frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # PyAV annotates none
        frame.pts = number
        frame.time_base = Fraction(1, _FRAME_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _rainbow() -> Image.Image:
    hue = Image.linear_gradient("L").rotate(90).resize((_WIDTH, _HEIGHT))
    full = Image.new("L", hue.size, 220)
    return Image.merge("HSV", (hue, full, full)).convert("RGB")


def _picture(rainbow: Image.Image, seconds: float) -> Image.Image:
    image = ImageChops.offset(rainbow, round(seconds * _WIDTH / _SECONDS), 0)
    x = _BALL + (_WIDTH - 2 * _BALL) * seconds / _SECONDS
    y = _HEIGHT - _BALL - (_HEIGHT - 2 * _BALL) * abs(math.sin(math.pi * seconds))
    ImageDraw.Draw(image).circle((x, y), _BALL, fill="white", outline="black", width=4)
    return image


def _encode_sound(container: OutputContainer, stream: AudioStream) -> None:
    tone = array("h", (_sample(number) for number in range(_SECONDS * _SAMPLE_RATE)))
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(tone))
    frame.planes[0].update(tone.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate = _SAMPLE_RATE
    frame.pts = 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _sample(number: int) -> int:
    return round(8000 * math.sin(2 * math.pi * _TONE * number / _SAMPLE_RATE))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
