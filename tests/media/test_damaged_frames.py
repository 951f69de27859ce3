"""Damaged frames are not shown; the others are."""

import random

import av
import pytest
from PIL import Image

from shared import media
from shared.errors import UnplayableClip
from shared.media.frames import keyframes
from tests.media.clips import UPRIGHT, Clip, MemorySource, mean_color, nearest_quarters
from tests.media.conftest import Make
from tests.media.test_storyboard import clock, tiles_of


def scrambled(data: bytes, *, every: bool, keep: int = 8) -> MemorySource:
    """Returns a film in which the fourth keyframe, or every frame, is noise behind its header."""
    noise = random.Random(3)
    with av.open(MemoryFile(data)) as container:
        entries = list(container.streams.video[0].index_entries)
    keyframes_of_film = [entry for entry in entries if entry.is_keyframe]
    changed = bytearray(data)
    for entry in entries if every else keyframes_of_film[3:4]:
        length = max(0, entry.size - keep)
        changed[entry.pos + keep : entry.pos + keep + length] = noise.randbytes(length)
    return MemorySource(bytes(changed))


class MemoryFile:
    """Bytes as a file for PyAV."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def read(self, size: int) -> bytes:
        """Returns up to `size` bytes."""
        piece = self._data[self._position : self._position + size]
        self._position += len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves to a position."""
        self._position = (0, self._position, len(self._data))[whence] + offset
        return self._position

    def tell(self) -> int:
        """Returns the position."""
        return self._position


@pytest.mark.parametrize("played", [True, False])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1"])
def test_damaged_keyframe_gives_no_tile(
    made: Make, monkeypatch: pytest.MonkeyPatch, codec: str, *, played: bool
) -> None:
    """The rest of the board shows the film."""
    if not played:
        monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    data = made("a.mp4", Clip(seconds=8, gop=25, codec=codec)).read_bytes()
    with media.opened(scrambled(data, every=False)) as file:
        stills = file.stills()
        file.frame_at(0, 160)
    assert stills.storyboard is not None
    assert 6 <= len(stills.storyboard.starts) <= 8
    upright = [nearest_quarters(tile) == UPRIGHT for tile in tiles_of(stills)]
    assert upright.count(False) == 0 or codec != "libx264"
    assert upright.count(True) >= 6


@pytest.mark.parametrize("played", [True, False])
@pytest.mark.parametrize("seconds", [3, 10])
@pytest.mark.parametrize("bframes", ["0", "3"])
def test_film_whose_every_frame_is_damaged_is_undecodable(
    made: Make, monkeypatch: pytest.MonkeyPatch, bframes: str, seconds: float, *, played: bool
) -> None:
    """Decryption with a wrong key leaves such films; their poster would be noise."""
    if not played:
        monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    clip = Clip(
        seconds=seconds,
        size=(160, 96),
        codec_options={"bf": bframes},
        draw=lambda size, _: Image.effect_noise(size, 90).convert("RGB"),
    )
    source = scrambled(made("a.mp4", clip).read_bytes(), every=True)
    with media.opened(source) as file:
        with pytest.raises(UnplayableClip) as failed:
            file.stills()
        assert failed.value.failure_code == media.FailureCode.UNDECODABLE


@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_frames_behind_a_lost_keyframe_are_no_tiles(made: Make, codec: str) -> None:
    """Decoders show what came before it instead, and do not say so."""
    clip = Clip(seconds=8, gop=50, codec=codec, size=(160, 96), draw=clock)
    data = made("clock.mp4", clip).read_bytes()
    with media.opened(scrambled(data, every=False, keep=0)) as file:
        stills = file.stills()
    assert stills.storyboard is not None
    assert len(stills.storyboard.starts) >= 3
    for start, tile in zip(stills.storyboard.starts, tiles_of(stills), strict=True):
        assert mean_color(tile)[0] == pytest.approx(10 * start, abs=5)
