"""Mutate small clips and look at what comes of it: run by a test, or by hand for thousands.

    python -m tests.media.fuzz 20000          cases 0 to 19999
    python -m tests.media.fuzz 1 4711         only case 4711

A case is its number: the same number gives the same bytes on every machine that encodes alike.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

from shared import media
from shared.errors import UnplayableClip
from shared.media import FailureCode
from tests.media.clips import Clip, MemorySource, make, scene

SIZE = (96, 64)
SLOW_SECONDS = 10.0
_STRUCTURE_BYTES = 4096

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


def make_seeds(directory: Path) -> list[bytes]:
    """Make the clips that are mutated."""
    return [make(directory / name, clip).read_bytes() for name, clip in SEEDS.items()]


def mutated(seeds: list[bytes], number: int) -> bytes:
    """Return the bytes of case `number`."""
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
    """Change a byte, more often near the ends, where formats keep their structure."""
    near = min(_STRUCTURE_BYTES, len(data))
    place = rng.choice(
        (rng.randrange(near), len(data) - 1 - rng.randrange(near), rng.randrange(len(data)))
    )
    flipped = data[place] ^ (1 << rng.randrange(8))
    data[place] = rng.choice((0, 1, 127, 128, 255, flipped, rng.randrange(256)))


def outcome(data: bytes) -> str:
    """Return `ready` or the failure code; anything else comes out as it is raised."""
    try:
        with media.opened(MemorySource(data)) as file:
            file.stills()
            if file.media.video:
                file.frame_at(len(data) % 7 / 10, 48)
    except UnplayableClip as failure:
        return FailureCode(failure.failure_code)
    return "ready"


def run(seeds: list[bytes], numbers: range) -> Counter[str]:
    """Return how often each outcome came; stop at the first case that is none or takes long."""
    outcomes: Counter[str] = Counter()
    for number in numbers:
        started = time.monotonic()
        try:
            outcomes[outcome(mutated(seeds, number))] += 1
        except Exception as error:
            error.add_note(f"in case {number} of the fuzz")
            raise
        if time.monotonic() - started > SLOW_SECONDS:
            raise TimeoutError(f"case {number} of the fuzz took over {SLOW_SECONDS} seconds")
    return outcomes


def main() -> None:
    """Run the cases that the command line asks for."""
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as directory:
        seeds = make_seeds(Path(directory))
    for name, times in run(seeds, range(first, first + count)).most_common():
        sys.stdout.write(f"{times:7} {name}\n")


if __name__ == "__main__":
    main()
