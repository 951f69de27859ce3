"""What an edit list hides is shown nowhere: no tile, poster, placeholder, preview or still."""

from io import BytesIO

import pytest
from PIL import Image, ImageSequence

from shared import media
from shared.errors import UnplayableClip
from shared.media.frames import keyframes
from tests.media.clips import Clip, Size, decoded, mean_color, source_of
from tests.media.conftest import Make
from tests.media.remux import KEEP_TIMES, Remux, remuxed
from tests.media.test_storyboard import tiles_of

HIDDEN = (255, 0, 255)


def hidden_until(moment: float) -> Clip:
    """Returns a film that is magenta up to a moment, and then gray: eight levels a second."""

    def draw(size: Size, seconds: float) -> Image.Image:
        level = round(8 * (seconds - moment)) + 16
        return Image.new("RGB", size, HIDDEN if seconds < moment - 0.001 else (level,) * 3)

    return Clip(seconds=12, size=(96, 64), gop=50, draw=draw)


def saturation(image: Image.Image) -> int:
    """Returns how far the average colour is from gray."""
    color = mean_color(image)
    return max(color) - min(color)


@pytest.mark.parametrize("played", [True, False])
@pytest.mark.parametrize(
    ("name", "begin", "codec", "codec_options", "options"),
    [
        ("a.mp4", 2.72, "libx264", {}, {}),
        ("a.mov", 2.72, "libx264", {"bf": "3", "b_strategy": "0"}, {}),
        ("hevc.mp4", 2.72, "libx265", {}, {}),
        ("one frame.mp4", 2.04, "libx264", {}, {}),
        ("fragmented.mp4", 2.72, "libx264", {}, {"movflags": "frag_keyframe+delay_moov"}),
    ],
)
def test_pictures_before_the_edit_are_shown_nowhere(
    made: Make,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    begin: float,
    codec: str,
    codec_options: dict[str, str],
    options: dict[str, str],
    *,
    played: bool,
) -> None:
    """The keyframe at two seconds is needed to decode what is shown, and is not shown itself."""
    if not played:
        monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    clip = hidden_until(begin)
    clip = Clip(
        seconds=clip.seconds,
        size=clip.size,
        gop=clip.gop,
        draw=clip.draw,
        codec=codec,
        codec_options=codec_options,
    )
    film = made("a.mp4", clip)
    path = film.with_name(f"cut {name}")
    remuxed(path, film, Remux(delay=-begin, first=1.99 - begin, options=KEEP_TIMES | options))
    with media.opened(source_of(path)) as file:
        stills, first = file.stills(), decoded(file.frame_at(0, 96))
    board = stills.storyboard
    assert board is not None
    assert stills.preview is not None
    preview = Image.open(BytesIO(stills.preview.data))
    shown = [first, *(Image.open(BytesIO(picture.data)) for picture in stills.posters)]
    moving = [frame.convert("RGB") for frame in ImageSequence.Iterator(preview)]
    tiles = tiles_of(stills)
    assert max(map(saturation, [*shown, *moving, *tiles])) < 12
    assert mean_color(first)[0] == pytest.approx(16, abs=3)
    for start, tile in zip(board.starts, tiles, strict=True):
        assert mean_color(tile)[0] == pytest.approx(16 + 8 * start, abs=3)


def test_film_that_is_hidden_as_a_whole_is_undecodable(made: Make) -> None:
    """Not even its only keyframe is shown."""
    film = made("a.mp4", hidden_until(12))
    path = film.with_name("all hidden.mp4")
    remuxed(path, film, Remux(delay=-13.0, options=KEEP_TIMES))
    with pytest.raises(UnplayableClip), media.opened(source_of(path)) as file:
        file.stills()
