"""Damaged frames are not shown; the others are."""

import random

import av
import pytest

from shared import media
from shared.errors import UnplayableClip
from shared.media.frames import keyframes
from tests.media.clips import (
    UPRIGHT,
    Clip,
    MemorySource,
    decoded,
    mean_color,
    nearest_quarters,
    noisy_scene,
)
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


def noise_in_slices(data: bytes, *, head: int, first: int = 0) -> MemorySource:
    """Returns a film of H.264 whose slices from frame `first` on are noise behind `head` bytes.

    Decryption with a wrong key leaves such films where the slice headers are not encrypted.
    """
    noise = random.Random(3)
    with av.open(MemoryFile(data)) as container:
        entries = list(container.streams.video[0].index_entries)
    changed = bytearray(data)
    for entry in entries[first:]:
        at = entry.pos
        while at < entry.pos + entry.size:
            length = int.from_bytes(changed[at : at + 4])
            if changed[at + 4] & 0x1F in (1, 5) and length > head:
                # FFmpeg takes two zeros and a small byte for the end of a slice.
                data = noise.randbytes(length - head).replace(b"\0", b"\xff")
                changed[at + 4 + head : at + 4 + length] = data
            at += 4 + length
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
def test_film_with_only_damaged_frames_is_undecodable(
    made: Make, monkeypatch: pytest.MonkeyPatch, bframes: str, seconds: float, *, played: bool
) -> None:
    """Decryption with a wrong key leaves such films; their poster would be noise."""
    if not played:
        monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    clip = Clip(
        seconds=seconds,
        size=(160, 96),
        codec_options={"bf": bframes},
        draw=noisy_scene,
    )
    source = scrambled(made("a.mp4", clip).read_bytes(), every=True)
    with media.opened(source) as file:
        with pytest.raises(UnplayableClip) as failed:
            file.stills()
        assert failed.value.failure_code == media.FailureCode.UNDECODABLE


@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_frames_behind_a_lost_keyframe_are_no_tiles(made: Make, codec: str) -> None:
    """Decoders show earlier frames instead, without an error."""
    clip = Clip(seconds=8, gop=50, codec=codec, size=(160, 96), draw=clock)
    data = made("clock.mp4", clip).read_bytes()
    with media.opened(scrambled(data, every=False, keep=0)) as file:
        stills = file.stills()
    assert stills.storyboard is not None
    assert len(stills.storyboard.starts) >= 3
    for start, tile in zip(stills.storyboard.starts, tiles_of(stills), strict=True):
        assert mean_color(tile)[0] == pytest.approx(10 * start, abs=5)


@pytest.mark.parametrize("played", [True, False])
@pytest.mark.parametrize("head", [12, 40])
@pytest.mark.parametrize("params", ["", "slices=4", "cabac=0:bframes=0", "keyint=10"])
def test_noise_behind_slice_headers_is_undecodable(
    made: Make, monkeypatch: pytest.MonkeyPatch, params: str, head: int, *, played: bool
) -> None:
    if not played:
        monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    clip = Clip(seconds=3, size=(160, 96), codec_options={"x264-params": params}, draw=noisy_scene)
    with media.opened(noise_in_slices(made("a.mp4", clip).read_bytes(), head=head)) as file:
        with pytest.raises(UnplayableClip) as failed:
            file.stills()
        assert failed.value.failure_code == media.FailureCode.UNDECODABLE


def test_film_is_shown_up_to_where_noise_begins(made: Make) -> None:
    """A protected film may begin with seconds that are not encrypted."""
    clip = Clip(seconds=8, gop=25, size=(320, 192), draw=clock)
    source = noise_in_slices(made("a.mp4", clip).read_bytes(), head=24, first=80)
    with media.opened(source) as file:
        stills = file.stills()
    assert stills.storyboard is not None
    assert stills.storyboard.starts[-1] <= 3.2
    for start, tile in zip(stills.storyboard.starts, tiles_of(stills), strict=True):
        assert mean_color(tile)[0] == pytest.approx(10 * start, abs=5)


@pytest.mark.parametrize("params", ["", "slices=4", "cabac=0"])
def test_film_with_a_slightly_damaged_keyframe_is_shown(made: Make, params: str) -> None:
    """It is its only keyframe, and all other frames refer to it."""
    clip = Clip(seconds=4, gop=200, size=(320, 192), codec_options={"x264-params": params})
    data = bytearray(made("a.mp4", clip).read_bytes())
    with av.open(MemoryFile(bytes(data))) as container:
        first = container.streams.video[0].index_entries[0]
    place = first.pos + first.size * 3 // 4
    data[place : place + 4] = b"\xa5\x5a\xc3\x3c"
    with media.opened(MemorySource(bytes(data))) as file:
        stills, shown = file.stills(), decoded(file.frame_at(2, 160))
    assert stills.storyboard is not None
    assert len(stills.storyboard.starts) >= 3
    assert nearest_quarters(shown)["top left"] == "top left"
