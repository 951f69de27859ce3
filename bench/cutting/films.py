"""Makes long films in every format that is cut: encodes sixteen seconds, repeats their packets.

1080p H.264 with B-frames and a keyframe every four seconds, and sound as AAC.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from bench.film import panned, panorama
from tests.media.counted import encode_noise

# Sixteen seconds are a whole number of frames (400) and of AAC packets (750).
_SECONDS = 16
_RATE = 25
_PACKETS = {"video": _SECONDS * _RATE, "audio": _SECONDS * 48_000 // 1024}
_SIZE = (1920, 1080)
_BIT_RATE = 4_100_000  # with the sound, 10 minutes make 312 MB
_FRAGMENTS = MappingProxyType({"movflags": "frag_keyframe+empty_moov+skip_trailer"})


@dataclass(frozen=True, slots=True)
class Format:
    """A way to store a film; `limit` is what a cut of it may cost.

    `seekable` says whether the muxer may go back to write an index.
    """

    name: str
    muxer: str
    limit: str
    options: Mapping[str, str] = field(default_factory=dict)
    seekable: bool = True


_LIMIT_OF_MP4 = "1.05 times its index read, 0.7 CPU s, 110 MB, 1 s beside the copying"
_LIMIT_WITH_INDEX, _LIMIT_WITHOUT_INDEX = "1.2 times the clip read", "2.5 times the clip read"

MP4 = Format("MP4, moov last", "mp4", _LIMIT_OF_MP4)
OTHERS = (
    Format("MKV with cues", "matroska", _LIMIT_WITH_INDEX),
    Format("MPEG-TS", "mpegts", _LIMIT_WITH_INDEX),
    Format("MKV without cues", "matroska", _LIMIT_WITHOUT_INDEX, seekable=False),
    Format("fragments, no index", "mp4", _LIMIT_WITHOUT_INDEX, _FRAGMENTS),
)


def long_film(folder: Path, format_: Format, minutes: int) -> Path:
    """A film of `minutes` minutes; made once, then found in `folder`."""
    film = folder / f"cut-{format_.name.replace(', ', '-').replace(' ', '-')}-{minutes}-minutes"
    if not film.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = film.with_suffix(".part")
        _repeat(sample(folder), unfinished, format_, minutes * 60 // _SECONDS)
        unfinished.rename(film)
    return film


def index_bytes(film: Path) -> int:
    """The size of the `moov` box of an MP4."""
    with film.open("rb") as file:
        while header := file.read(16):
            size, kind = int.from_bytes(header[:4]), header[4:8]
            size = int.from_bytes(header[8:16]) if size == 1 else size
            if kind == b"moov":
                return size
            file.seek(size - len(header), os.SEEK_CUR)
    raise AssertionError(f"{film} has no moov box")


def sample(folder: Path) -> Path:
    """The sixteen seconds that are repeated; made once."""
    path = folder / "cut-sample.mp4"
    if path.exists():
        return path
    unfinished = path.with_suffix(".part")
    with av.open(str(unfinished), "w", format="mp4") as container:
        video = _video(container)
        sound = container.add_stream("aac", rate=48_000, layout="mono", bit_rate=128_000)
        scene = panorama(_SIZE)
        for number in range(_SECONDS * _RATE):
            frame = panned(scene, number, _SIZE, _RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        encode_noise(container, sound, _SECONDS + 1)
    return unfinished.rename(path)


def _video(container: OutputContainer) -> VideoStream:
    stream = container.add_stream("libx264", rate=_RATE)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = _SIZE
    stream.pix_fmt = "yuv420p"
    stream.bit_rate = _BIT_RATE
    stream.gop_size = 4 * _RATE
    stream.options = {"preset": "superfast", "bf": "2", "sc_threshold": "0", "nal-hrd": "cbr"}
    stream.options |= {"maxrate": str(_BIT_RATE), "bufsize": str(_BIT_RATE)}
    return stream


def _repeat(short: Path, film: Path, format_: Format, times: int) -> None:
    with film.open("wb") as file, av.open(str(short)) as source:
        target = file if format_.seekable else _Pipe(file)
        with av.open(target, "w", format=format_.muxer, options=dict(format_.options)) as output:
            streams = [source.streams.video[0], source.streams.audio[0]]
            copies = {s.index: output.add_stream_from_template(s, opaque=True) for s in streams}
            counts = dict.fromkeys(copies, 0)
            packets = []
            for packet in source.demux(*streams):
                index = packet.stream.index
                if packet.size and counts[index] < _PACKETS[packet.stream.type]:
                    counts[index] += 1
                    packets.append(
                        (index, bytes(packet), packet.pts, packet.dts, packet.is_keyframe)
                    )
            for turn in range(times):
                for index, data, pts, dts, is_keyframe in packets:
                    base = source.streams[index].time_base
                    shift = round(turn * _SECONDS / Fraction(base.num, base.den))
                    packet = av.Packet(data)
                    packet.stream, packet.time_base = copies[index], base
                    packet.pts, packet.dts = (pts or 0) + shift, (dts or 0) + shift
                    packet.is_keyframe = is_keyframe
                    output.mux(packet)


class _Pipe:
    """A file that can only be written forward."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        return self._file.write(data)
