"""Clips made once for all tests of media, and sample files beside the repository if they exist."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared import media
from shared.errors import UnplayableClip
from shared.media import Stills
from shared.model.media import AudioTrack, Media, VideoTrack
from tests.media.clips import Clip, MemorySource, make, source_of

# Public sample files, which are not part of the repository: tests skip without them.
SAMPLES = Path(__file__).parents[3] / "shared" / "media"

type Make = Callable[..., Path]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Returns a maker: `made("a.mp4", Clip(size=(64, 48)))`. The same call gives the same file."""
    cache: dict[tuple[str, str], Path] = {}
    # A key contains the id of the drawing function, which must therefore stay in memory.
    kept: list[Clip] = []

    def maker(name: str, clip: Clip | None = None) -> Path:
        clip = clip or Clip()
        key = (name, repr(clip))
        if key not in cache:
            kept.append(clip)
            cache[key] = make(tmp_path_factory.mktemp("clips") / name, clip)
        return cache[key]

    return maker


def sample(name: str) -> Path:
    """Returns a sample file, or skips the test that asks for it."""
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"the sample {name} is not beside the repository")
    return path


def describe(source: Path | MemorySource) -> Media:
    """Returns the media block of a file."""
    with media.opened(source_of(source) if isinstance(source, Path) else source) as file:
        return file.media


def video_of(source: Path) -> VideoTrack:
    """Returns the picture track of a file that has one."""
    video = describe(source).video
    assert video is not None
    return video


def audio_of(source: Path) -> AudioTrack:
    """Returns the sound track of a file that has one."""
    audio = describe(source).audio
    assert audio is not None
    return audio


def stills_of(source: Path | MemorySource) -> Stills:
    """Returns all stills of a file."""
    with media.opened(source_of(source) if isinstance(source, Path) else source) as file:
        return file.stills()


def poster_of(source: Path | MemorySource) -> bytes | None:
    """Returns the largest JPEG poster of a file."""
    poster = stills_of(source).poster
    return poster.data if poster else None


def outcome_of(data: bytes) -> str:
    """`ready`, or the code with which a clip fails."""
    try:
        with media.opened(MemorySource(data)) as file:
            file.stills()
    except UnplayableClip as failure:
        return failure.failure_code
    return "ready"
