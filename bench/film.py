"""Makes a large film in seconds: encodes ten seconds and repeats their packets."""

from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream
from PIL import Image, ImageChops

_SIZE = (1920, 1080)
_RATE = 25
_SECONDS = 10
_BIT_RATE = 4_200_000  # 10 minutes make about 316 MB


def large_film(folder: Path, minutes: int) -> Path:
    """An MP4 of 1080p H.264 with `moov` at its end; made once, then found in `folder`."""
    film = folder / f"film-{minutes}-minutes.mp4"
    if not film.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = film.with_suffix(".part")
        repeat(short_film(folder), unfinished, minutes * 60 // _SECONDS)
        unfinished.rename(film)
    return film


def short_film(folder: Path, seconds: int = _SECONDS) -> Path:
    """A film of 1080p H.264, half a megabyte for each second."""
    path = folder / f"short-{seconds}.mp4"
    scene = panorama(_SIZE)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_RATE)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = _SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = _BIT_RATE
        stream.gop_size = 2 * _RATE
        stream.options = {"preset": "ultrafast", "nal-hrd": "cbr", "maxrate": str(_BIT_RATE)}
        stream.options |= {"bufsize": str(_BIT_RATE)}
        for number in range(_RATE * seconds):
            container.mux(stream.encode(panned(scene, number, _SIZE, _RATE)))
        container.mux(stream.encode(None))
    return path


def panned(
    scene: Image.Image, number: int, frame_size: tuple[int, int], rate: int
) -> av.VideoFrame:
    """A frame of a camera that moves over the scene."""
    picture = ImageChops.offset(scene, -6 * number, 0).crop((0, 0, *frame_size))
    frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV has no types for it
    frame.pts, frame.time_base = number, Fraction(1, rate)
    return frame


def panorama(frame_size: tuple[int, int]) -> Image.Image:
    """A picture twice as wide as a frame, with large forms, fine detail and colour."""
    size = (frame_size[0] * 2, frame_size[1])
    channels = []
    for _ in range(3):
        forms = Image.effect_noise((24, 8), 160).resize(size, Image.Resampling.BICUBIC)
        detail = Image.effect_noise((size[0] // 3, size[1] // 3), 60).resize(size)
        channels.append(ImageChops.blend(forms, detail, 0.3))
    return Image.merge("RGB", channels)


def repeat(short: Path, film: Path, times: int) -> None:
    """Writes the packets of `short` to `film`, `times` times in sequence."""
    with av.open(str(short)) as source, av.open(str(film), "w", format="mp4") as output:
        stream = source.streams.video[0]
        copy = output.add_stream_from_template(stream)
        length = stream.duration or 0
        packets = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in source.demux(stream) if p.size]
        for turn in range(times):
            for data, pts, dts, is_keyframe in packets:
                packet = av.Packet(data)
                packet.stream, packet.time_base = copy, stream.time_base
                packet.pts = (pts or 0) + turn * length
                packet.dts = (dts or 0) + turn * length
                packet.is_keyframe = is_keyframe
                output.mux(packet)
