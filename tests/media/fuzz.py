"""Mutated clips and their outcomes: a test runs some hundred, `python -m bench.fuzz` more.

A case is its number: the same number gives the same bytes on every machine that encodes alike.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from shared import media
from shared.errors import UnplayableClip
from shared.media import FailureCode, Stills
from shared.media.reading.bounds import LONGEST_SECONDS
from shared.model.media import Media
from tests.media.clips import Clip, MemorySource, make, scene

SIZE = (96, 64)
SLOW_SECONDS = 10.0
_STRUCTURE_BYTES = 4096

# Options of FFmpeg's MP4 muxer.
ENCRYPTED = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "00112233445566778899aabbccddeeff",
    "encryption_kid": "ffeeddccbbaa99887766554433221100",
}

SEEDS: dict[str, Clip] = {
    "h264.mp4": Clip(size=SIZE, seconds=0.6, gop=5, sounds=("aac",), rotation=90),
    "fast.mp4": Clip(size=SIZE, seconds=0.6, gop=5, options={"movflags": "faststart"}),
    "fragmented.mp4": Clip(
        size=SIZE,
        seconds=0.6,
        gop=5,
        options={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    ),
    "hevc.mp4": Clip(
        codec="libx265", size=SIZE, seconds=0.2, pixel_format="yuv420p10le", transfer=16, space=9
    ),
    "av1.mp4": Clip(codec="libsvtav1", size=SIZE, seconds=0.2),
    "mpeg4.mov": Clip(codec="mpeg4", size=SIZE, seconds=0.6, pixel_shape=Fraction(4, 3)),
    "vp9.webm": Clip(codec="libvpx-vp9", size=SIZE, seconds=0.4, sounds=("libopus",)),
    "vp8.webm": Clip(codec="libvpx", size=SIZE, seconds=0.4),
    "live.mkv": Clip(size=SIZE, seconds=0.6, gop=5, options={"live": "1"}),
    "h264.ts": Clip(size=SIZE, seconds=0.6, gop=5, sounds=("aac",)),
    "mpeg2.mpg": Clip(codec="mpeg2video", size=SIZE, seconds=0.4),
    "mpeg4.avi": Clip(codec="mpeg4", size=SIZE, seconds=0.6, sounds=("libmp3lame",)),
    "h264.flv": Clip(size=SIZE, seconds=0.6, gop=5),
    "cover.mp3": Clip(codec=None, sounds=("libmp3lame",), seconds=0.4, cover=scene((64, 64))),
    "sound.flac": Clip(codec=None, sounds=("flac",), seconds=0.2, cover=scene((64, 64))),
    "sound.ogg": Clip(codec=None, sounds=("libopus",), seconds=0.4),
    "sound.wav": Clip(codec=None, sounds=("pcm_s16le",), seconds=0.1),
}

LONGER_SEEDS: dict[str, Clip] = {
    "long.mp4": Clip(size=SIZE, seconds=9, gop=10, sounds=("aac",)),
    "long fragmented.mp4": Clip(
        size=SIZE,
        seconds=9,
        gop=10,
        sounds=("aac",),
        options={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    ),
    "encrypted.mp4": Clip(size=SIZE, seconds=3, gop=10, options=ENCRYPTED),
    "long.mov": Clip(codec="mpeg4", size=SIZE, seconds=9, gop=10, sounds=("pcm_s16le",)),
    "long av1.mp4": Clip(codec="libsvtav1", size=SIZE, seconds=4, gop=25),
    "long hevc.mkv": Clip(codec="libx265", size=SIZE, seconds=4, gop=25, sounds=("flac",)),
    "long.webm": Clip(codec="libvpx", size=SIZE, seconds=9, gop=10, sounds=("libopus",)),
    "long live.mkv": Clip(size=SIZE, seconds=9, gop=10, options={"live": "1"}, sounds=("aac",)),
    "long.ts": Clip(size=SIZE, seconds=9, gop=10, sounds=("aac",)),
    "long.avi": Clip(codec="mpeg4", size=SIZE, seconds=9, gop=10, sounds=("pcm_s16le",)),
    "long.flv": Clip(size=SIZE, seconds=9, gop=10, sounds=("aac",)),
    "open gop.mp4": Clip(
        size=SIZE,
        seconds=9,
        gop=10,
        codec_options={"x264-params": "open-gop=1:bframes=3:b-adapt=0:scenecut=0"},
    ),
    "intra refresh.mp4": Clip(
        size=SIZE,
        seconds=9,
        codec_options={"x264-params": "intra-refresh=1:keyint=25:bframes=0:scenecut=0"},
    ),
    "long.wmv": Clip(codec="wmv2", size=SIZE, seconds=9, gop=10),
}


def make_seeds(directory: Path, clips: Mapping[str, Clip] = SEEDS) -> list[bytes]:
    """Makes the clips that are mutated."""
    return [make(directory / name, clip).read_bytes() for name, clip in clips.items()]


def mutated(seeds: list[bytes], number: int) -> bytes:
    """Returns the bytes of case `number`."""
    rng = random.Random(number)
    data = bytearray(seeds[number % len(seeds)])
    match rng.randrange(6):
        case 0:
            del data[rng.randrange(len(data)) :]
        case 1:
            start = rng.randrange(len(data))
            del data[start : start + rng.randrange(1, _STRUCTURE_BYTES)]
        case 2:
            start = rng.randrange(len(data))
            data[start:start] = rng.randbytes(rng.randrange(1, 512))
        case _:
            for _ in range(rng.choice((1, 4, 16, 64, 256))):
                _change_one(data, rng)
    return bytes(data)


def _change_one(data: bytearray, rng: random.Random) -> None:
    """Changes a byte, more often near the ends, where formats keep their structure."""
    near = min(_STRUCTURE_BYTES, len(data))
    place = rng.choice(
        (rng.randrange(near), len(data) - 1 - rng.randrange(near), rng.randrange(len(data)))
    )
    flipped = data[place] ^ (1 << rng.randrange(8))
    data[place] = rng.choice((0, 1, 127, 128, 255, flipped, rng.randrange(256)))


def outcome(data: bytes) -> str:
    """Returns `ready` or the failure code; raises any other exception."""
    try:
        with media.opened(MemorySource(data)) as file:
            check_numbers(file.media, file.stills())
            if file.media.video:
                file.frame_at(len(data) % 7 / 10, 48)
    except UnplayableClip as failure:
        return FailureCode(failure.failure_code)
    return "ready"


def check_numbers(described: Media, stills: Stills) -> None:
    """Checks that every published number is possible for a film."""
    assert described.duration is None or 0 < described.duration <= LONGEST_SECONDS
    assert described.bit_rate is None or 0 < described.bit_rate < 2**53
    if described.video:
        assert described.video.frame_rate is None or 0 < described.video.frame_rate <= 1000
    if stills.storyboard:
        starts = stills.storyboard.starts
        assert list(starts) == sorted(starts)
        assert 0 <= starts[0] <= starts[-1] <= stills.storyboard.duration <= LONGEST_SECONDS


def examine(seeds: list[bytes], number: int) -> str:
    """Returns the outcome of a case; raises, with its number, if it has none or takes long."""
    started = time.thread_time()  # wall-clock time is longer on a busy machine
    try:
        found = outcome(mutated(seeds, number))
    except BaseException as error:
        error.add_note(f"in case {number} of the fuzz")
        raise
    if time.thread_time() - started > SLOW_SECONDS:
        raise TimeoutError(
            f"case {number} of the fuzz took over {SLOW_SECONDS} seconds of a processor"
        )
    return found


def run(seeds: list[bytes], numbers: range) -> Counter[str]:
    """Counts each outcome; stops at the first case that has none or takes long."""
    return Counter(examine(seeds, number) for number in numbers)
