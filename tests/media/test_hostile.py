"""Hostile files and sources: each gives stills or a failure code, within its budget."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from shared import media
from shared.errors import UnplayableClip
from shared.media import FailureCode, Limits
from tests.media.clips import Clip, MemorySource, scene, source_of
from tests.media.conftest import Make


@dataclass(slots=True)
class Clockwork:
    """A clock that only moves when a source makes it."""

    now: float = 0.0

    def __call__(self) -> float:
        """Returns the time in seconds."""
        return self.now


@dataclass(slots=True)
class DrippingSource:
    """Gives `piece` bytes at a time, each after `delay` seconds; `size` may exceed its data."""

    data: bytes
    clock: Clockwork
    piece: int
    delay: float
    size: int = field(init=False)
    reads: int = 0

    def __post_init__(self) -> None:
        """Say the truth about the size, at first."""
        self.size = len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        """Returns a few bytes."""
        self.reads += 1
        self.clock.now += self.delay
        return self.data[offset : offset + min(length, self.piece)]


def outcome(use: Callable[[], None]) -> str:
    """Returns `ready` or the code of the failure."""
    try:
        use()
    except UnplayableClip as failure:
        return FailureCode(failure.failure_code)
    return "ready"


def everything(source: media.ByteSource, clock: Clockwork, limits: Limits | None = None) -> None:
    """Asks for everything that a file can give."""
    with media.opened(source, limits, clock=clock) as file:
        file.stills()
        if file.media.video:
            file.frame_at(0.5, 320)


NAMES = ["a.mp4", "a.mkv", "a.ts", "a.webm", "a.avi"]
CODECS = {"a.webm": "libvpx", "a.avi": "mpeg4"}


@pytest.mark.parametrize("name", NAMES)
def test_source_that_gives_few_bytes_at_a_time_is_read(made: Make, name: str) -> None:
    """The source is read again, and the clip is ready."""
    data = made(name, Clip(codec=CODECS.get(name, "libx264"))).read_bytes()
    clock = Clockwork()
    source = DrippingSource(data, clock, piece=100, delay=0.0)
    assert outcome(lambda: everything(source, clock)) == "ready"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("piece", "delay"), [(1, 0.01), (10_000, 10.0), (1 << 20, 61.0)])
def test_source_that_drips_bytes_times_out(made: Make, name: str, piece: int, delay: float) -> None:
    """Reading ends when the time is over, at any position."""
    data = made(name, Clip(codec=CODECS.get(name, "libx264"))).read_bytes()
    clock = Clockwork()
    source = DrippingSource(data, clock, piece, delay)
    assert outcome(lambda: everything(source, clock)) in (FailureCode.TOO_SLOW, "ready")
    assert clock.now <= 60 + 6 * delay  # those on their way when the time was over


@pytest.mark.parametrize("name", NAMES)
def test_source_that_ends_early_is_ready_or_fails_with_a_code(made: Make, name: str) -> None:
    """Its size is wrong, and the missing bytes never come."""
    data = made(name, Clip(codec=CODECS.get(name, "libx264"))).read_bytes()
    clock = Clockwork()
    source = DrippingSource(data[: len(data) // 2], clock, piece=1 << 20, delay=0.0)
    source.size = len(data)
    assert outcome(lambda: everything(source, clock)) in {"ready", *FailureCode}
    assert source.reads < 10_000


@pytest.mark.parametrize("head", [b"", b"\0\0\0\x18ftypisom", bytes.fromhex("1a45dfa3"), b"\x47"])
def test_endless_source_is_bounded(head: bytes) -> None:
    """A valid beginning and a terabyte of zeros: the number of bytes is bounded."""

    class Endless:
        size = 1 << 40
        given = 0

        def read(self, offset: int, length: int) -> bytes:
            self.given += length
            return (head + bytes(length))[:length] if offset == 0 else bytes(length)

    source, limits = Endless(), Limits(max_bytes=8_000_000)
    assert outcome(lambda: everything(source, Clockwork(), limits)) in set(FailureCode)
    assert source.given <= 8_000_000


@pytest.mark.parametrize(("name", "sound"), [("a.mov", "pcm_s16le"), ("a.mkv", "pcm_s16le")])
def test_film_with_hundreds_of_tracks_is_bounded(made: Make, name: str, sound: str) -> None:
    """The film has three hundred sound tracks."""
    clip = Clip(seconds=0.2, size=(64, 48), sounds=(sound,) * 300, channels=1)
    source = source_of(made(name, clip))
    assert outcome(lambda: everything(source, Clockwork())) == "ready"


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_film_with_a_single_keyframe_has_stills(made: Make, name: str) -> None:
    """Tiles, and a still at the end, read and decode a bounded amount."""
    source = source_of(made(name, Clip(seconds=20, gop=100_000)))
    with media.opened(source) as file:
        stills = file.stills()
        assert stills.poster is not None
        assert stills.storyboard is not None
        file.frame_at(19.9, 320)
    assert file.bytes_read < source.size * 8


def test_file_with_a_cover_only_is_no_film(made: Make) -> None:
    """A picture is not a clip."""
    source = source_of(made("a.mp4", Clip(codec=None, cover=scene((64, 64)))))
    code = outcome(lambda: everything(source, Clockwork()))
    assert code == FailureCode.NO_PLAYABLE_STREAM


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_fail(seed: int) -> None:
    """They fail with and without the magic number of a format."""
    rng = random.Random(seed)
    heads = [b"", b"\0\0\0\x18ftypmp42", bytes.fromhex("1a45dfa3"), b"RIFF\0\0\0\0AVI ", b"ID3\4"]
    data = rng.choice(heads) + rng.randbytes(rng.randrange(1, 60_000))
    assert outcome(lambda: everything(MemorySource(data), Clockwork())) in {"ready", *FailureCode}


def test_zero_bytes_fail() -> None:
    """An empty source is a failure, not an internal error."""
    code = outcome(lambda: everything(MemorySource(b""), Clockwork()))
    assert code == FailureCode.EMPTY_FILE


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
def test_tags_that_are_not_utf8_do_no_harm(made: Make, name: str) -> None:
    """Neither metadata nor stills fail."""
    source = source_of(made(name, Clip(metadata={"title": "caf\udce9", "artist": "\udcff\udcfe"})))
    assert outcome(lambda: everything(source, Clockwork())) == "ready"
