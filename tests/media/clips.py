"""Real clips, made with PyAV in a fraction of a second, and sources to read them from.

What a clip shows is known: four coloured quarters with fine texture, so that a test can see
which way up, how large and in which colours a picture has come out. Usable by other tests.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from PIL import Image, ImageChops, ImageStat

type Size = tuple[int, int]
type Rgb = tuple[int, int, int]

QUARTERS: dict[str, Rgb] = {
    "top left": (200, 40, 40),
    "top right": (40, 180, 40),
    "bottom left": (40, 40, 200),
    "bottom right": (200, 200, 60),
}


def scene(size: Size, *, brightness: float = 1.0) -> Image.Image:
    """Returns the four quarters with texture; `brightness` 0 is black, 1 the scene as it is."""
    return _full_scene(size).point([int(tone * brightness) for tone in range(256)] * 3)


@cache
def _full_scene(size: Size) -> Image.Image:
    image = Image.new("RGB", size)
    for name, (x, y) in _corners(size).items():
        image.paste(QUARTERS[name], (x, y, x + size[0], y + size[1]))
    texture = Image.frombytes("L", size, random.Random(1).randbytes(size[0] * size[1]))
    texture = texture.point([96 + tone // 2 for tone in range(256)])
    return ImageChops.overlay(image, Image.merge("RGB", (texture,) * 3))


def noisy_scene(size: Size, _: float) -> Image.Image:
    """Returns noise that is different in each frame, so that each frame has much data."""
    return Image.effect_noise(size, 90).convert("RGB")


def _corners(size: Size) -> dict[str, tuple[int, int]]:
    """Returns where each quarter of a picture begins."""
    x, y = size[0] // 2, size[1] // 2
    return {"top left": (0, 0), "top right": (x, 0), "bottom left": (0, y), "bottom right": (x, y)}


def quarter_colors(image: Image.Image) -> dict[str, Rgb]:
    """Returns the average colour in the middle of each quarter of `image`."""
    width, height = image.size
    return {
        name: mean_color(
            image.crop((x + width // 8, y + height // 8, x + width * 3 // 8, y + height * 3 // 8))
        )
        for name, (x, y) in _corners(image.size).items()
    }


def mean_color(image: Image.Image) -> Rgb:
    """Returns the average colour of an RGB picture."""
    red, green, blue = (round(mean) for mean in ImageStat.Stat(image.convert("RGB")).mean)
    return red, green, blue


def nearest_quarters(image: Image.Image) -> dict[str, str]:
    """Return, for each quarter of `image`, which quarter of the scene its colour comes from."""

    def nearest(color: Rgb) -> str:
        def distance(name: str) -> int:
            return sum(abs(a - b) for a, b in zip(color, QUARTERS[name], strict=True))

        return min(QUARTERS, key=distance)

    return {name: nearest(color) for name, color in quarter_colors(image).items()}


# The result of `nearest_quarters` for the upright scene.
UPRIGHT = {name: name for name in QUARTERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A recipe; a test changes only the fields that it needs.

    `draw` is given (size, seconds into the clip). `rotation` is clockwise degrees for display,
    after top and bottom are exchanged if `mirrored`. `gop` is frames between keyframes. Colour
    numbers are H.273 code points; `matrix` is the one really used for the conversion.
    """

    seconds: float = 2.0
    size: Size = (320, 180)
    codec: str | None = "libx264"
    pixel_format: str = "yuv420p"
    frame_rate: int = 25
    gop: int = 25
    draw: Callable[[Size, float], Image.Image] = field(default=lambda size, _: scene(size))
    rotation: int = 0
    mirrored: bool = False
    pixel_shape: Fraction = Fraction(1)
    primaries: int = 2
    transfer: int = 2
    space: int = 2
    color_range: int = 0
    matrix: Colorspace = Colorspace.ITU601
    sounds: tuple[str, ...] = ()
    encode_sound: Callable[[OutputContainer, AudioStream, float], None] | None = None
    channels: int = 2
    cover: Image.Image | None = None
    options: dict[str, str] = field(default_factory=dict)
    codec_options: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    format: str | None = None


def make(path: Path, clip: Clip | None = None) -> Path:
    """Writes `clip` to `path`, whose suffix chooses the format, and returns `path`."""
    clip = clip or Clip()
    with av.open(str(path), "w", format=clip.format, options=clip.options) as container:
        container.metadata.update(clip.metadata)
        film = _add_film(container, clip) if clip.codec else None
        sounds = [_add_sound(container, codec, clip) for codec in clip.sounds]
        cover = _add_cover(container, clip.cover) if clip.cover else None
        if clip.cover and cover:
            _encode_cover(container, cover, clip.cover)
        if film:
            _encode_film(container, film, clip)
        for sound in sounds:
            (clip.encode_sound or _encode_sound)(container, sound, clip.seconds)
    return path


def make_long(path: Path, short: Path, times: int, *, options: dict[str, str]) -> Path:
    """Writes the packets of `short` `times` times in sequence, to make a large film quickly."""
    with av.open(str(path), "w", options=options) as output, av.open(str(short)) as source:
        film = source.streams.video[0]
        copy = output.add_stream_from_template(film)
        length = film.duration or 0
        packets = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in source.demux(film) if p.size]
        for turn in range(times):
            for data, pts, dts, is_keyframe in packets:
                packet = av.Packet(data)
                packet.stream = copy
                packet.time_base = film.time_base
                packet.pts = (pts or 0) + turn * length
                packet.dts = (dts or 0) + turn * length
                packet.is_keyframe = is_keyframe
                output.mux(packet)
    return path


def _add_film(container: OutputContainer, clip: Clip) -> VideoStream:
    stream = container.add_stream(clip.codec or "", rate=clip.frame_rate)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = clip.size
    stream.pix_fmt = clip.pixel_format
    stream.gop_size = clip.gop
    context = stream.codec_context
    context.sample_aspect_ratio = clip.pixel_shape
    context.color_primaries = clip.primaries
    context.color_trc = clip.transfer
    context.colorspace = clip.space
    context.color_range = clip.color_range
    context.options = {**_QUICK.get(clip.codec or "", {}), **clip.codec_options}
    if clip.rotation or clip.mirrored:
        _set_matrix(stream, clip)
    return stream


# x265 gives a film of one frame an undefined time stamp if it may have B-frames; its threads wait
# for each other ten times as long as they work. Those of libvpx wait without sleep, and on a busy
# machine sometimes without end.
_QUICK = {
    "libx264": {"preset": "ultrafast", "crf": "18", "x264-params": "scenecut=0"},
    "libx265": {
        "preset": "ultrafast",
        "crf": "16",
        "x265-params": "log-level=none:scenecut=0:bframes=0:pools=none:frame-threads=1",
    },
    "libvpx": {"threads": "1", "deadline": "realtime", "cpu-used": "8", "b": "2M"},
    "libvpx-vp9": {"threads": "1", "deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"},
    "libsvtav1": {"preset": "12", "crf": "20"},
    "mpeg4": {"q": "3", "b": "4M"},
}


def _set_matrix(stream: VideoStream, clip: Clip) -> None:
    """Writes the display matrix row by row (ISO/IEC 14496-12), without PyAV's helper."""
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clip.rotation]
    flip = -1 if clip.mirrored else 1
    one = 1 << 16
    rows = (cosine * one, sine * one, 0, -sine * one * flip, cosine * one * flip, 0, 0, 0, 1 << 30)
    stream.set_display_matrix(rows)


def _encode_film(container: OutputContainer, stream: VideoStream, clip: Clip) -> None:
    for number in range(max(1, round(clip.seconds * clip.frame_rate))):
        image = clip.draw(clip.size, number / clip.frame_rate)
        frame = _frame_of(image).reformat(
            format=clip.pixel_format,
            dst_colorspace=clip.matrix,
            dst_color_range=ColorRange(clip.color_range or ColorRange.MPEG),
        )
        frame.pts = number
        frame.time_base = Fraction(1, clip.frame_rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _frame_of(image: Image.Image) -> av.VideoFrame:
    frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # PyAV annotates none
    return frame


def _add_sound(container: OutputContainer, codec: str, clip: Clip) -> AudioStream:
    stream = container.add_stream(codec, rate=48_000)
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = "mono" if clip.channels == 1 else "stereo"
    return stream


def _encode_sound(container: OutputContainer, stream: AudioStream, seconds: float) -> None:
    """Encodes silence in the sample format of the encoder."""
    context = stream.codec_context
    context.open(strict=False)  # writing the header may have opened it
    samples = context.frame_size or 1024
    for start in range(0, round(seconds * 48_000), samples):
        frame = av.AudioFrame(
            format=context.format.name, layout=context.layout.name, samples=samples
        )
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = 48_000
        frame.pts = start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _add_cover(container: OutputContainer, cover: Image.Image) -> VideoStream:
    stream = container.add_stream("mjpeg", rate=1)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = cover.size
    stream.pix_fmt = "yuvj420p"
    stream.disposition = Disposition.attached_pic
    return stream


def _encode_cover(container: OutputContainer, stream: VideoStream, cover: Image.Image) -> None:
    frame = _frame_of(cover).reformat(format="yuvj420p")
    frame.pts = 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


@dataclass(slots=True)
class MemorySource:
    """A `ByteSource` over bytes that records its reads, and fails on request.

    From the read with this number on (0 is the first), `failure` is raised.
    """

    data: bytes
    failure: BaseException | None = None
    fail_from: int = 0
    reads: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        """Returns a range, or raises `failure`."""
        if self.failure is not None and len(self.reads) >= self.fail_from:
            raise self.failure
        self.reads.append((offset, length))
        return self.data[offset : offset + length]


def source_of(path: Path) -> MemorySource:
    """Returns the bytes of a file as a source."""
    return MemorySource(path.read_bytes())


def decoded(jpeg: bytes | None) -> Image.Image:
    """Returns the picture in a JPEG, which must be there."""
    assert jpeg is not None, "there is no picture"
    return Image.open(BytesIO(jpeg)).convert("RGB")
