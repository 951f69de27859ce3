"""What an edit list hides is shown nowhere: no tile, poster, placeholder, preview or still."""

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image, ImageSequence

from shared import media
from shared.errors import UnplayableClip
from shared.media.frames import keyframes
from tests.media.clips import Clip, MemorySource, Size, decoded, mean_color, source_of
from tests.media.conftest import Make
from tests.media.edits import Part, with_edits
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


def pictures_of(stills: media.Stills) -> list[Image.Image]:
    """Returns every picture: posters, tiles and those of the preview, which there must be."""
    assert stills.preview is not None
    preview = Image.open(BytesIO(stills.preview.data))
    posters = [Image.open(BytesIO(picture.data)) for picture in stills.posters]
    moving = [frame.convert("RGB") for frame in ImageSequence.Iterator(preview)]
    return [*posters, *moving, *tiles_of(stills)]


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
    board, tiles = stills.storyboard, tiles_of(stills)
    assert board is not None
    assert max(map(saturation, [first, *pictures_of(stills)])) < 12
    assert mean_color(first)[0] == pytest.approx(16, abs=3)
    for start, tile in zip(board.starts, tiles, strict=True):
        assert mean_color(tile)[0] == pytest.approx(16 + 8 * start, abs=3)


def test_film_that_is_hidden_as_a_whole_is_undecodable(made: Make) -> None:
    """Its only keyframe is not shown either."""
    film = made("a.mp4", hidden_until(12))
    path = film.with_name("all hidden.mp4")
    remuxed(path, film, Remux(delay=-13.0, options=KEEP_TIMES))
    with pytest.raises(UnplayableClip), media.opened(source_of(path)) as file:
        file.stills()


def shown_between(begin: float, end: float) -> Clip:
    """Returns a film that is gray between two moments, eight levels a second, and else magenta."""

    def draw(size: Size, seconds: float) -> Image.Image:
        shown = begin - 0.001 < seconds < end - 0.001
        return Image.new("RGB", size, (round(8 * seconds) + 16,) * 3 if shown else HIDDEN)

    return Clip(seconds=12, size=(96, 64), gop=25, draw=draw)


PAUSE, STANDING = Part(2, None), Part(3, 7.96, stands=True)


@pytest.mark.parametrize("played", [True, False])
@pytest.mark.parametrize(
    "parts",
    [
        (Part(4, 4), PAUSE),
        (Part(2, 4), Part(3, None), Part(2, 6)),
        (Part(1, None), Part(2, 4), PAUSE, Part(2, 6)),
        (STANDING, Part(4, 4)),
        (Part(2, 4), STANDING),
        (Part(3, 7.97, stands=True), Part(4, 4)),
        (Part(2, 4), Part(3, 7.99, stands=True)),
    ],
)
def test_pauses_show_nothing_that_is_hidden(
    made: Make, monkeypatch: pytest.MonkeyPatch, parts: tuple[Part, ...], *, played: bool
) -> None:
    """An edit list may show nothing for a while, or one picture; FFmpeg plays other ones then."""
    if not played:
        monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    seconds = sum(part.seconds for part in parts)
    data = made("between.mp4", shown_between(4, 8)).read_bytes()
    with media.opened(MemorySource(with_edits(data, *parts))) as file:
        assert file.media.duration == pytest.approx(seconds, abs=0.1)
        moments = [decoded(file.frame_at(second, 96)) for second in range(int(seconds))]
        pictures = pictures_of(file.stills())
    assert max(map(saturation, [*moments, *pictures])) < 12


@pytest.mark.parametrize("played", [True, False])
@pytest.mark.parametrize("b_frames", [1, 2, 3])
@pytest.mark.parametrize(
    "parts",
    [
        (Part(4, 4), PAUSE),
        (Part(2, 4), Part(3, None), Part(2, 6)),
        (Part(1, None), Part(2, 4), PAUSE, Part(2, 6)),
        (Part(2, 4), Part(1, None), Part(1, None), Part(2, 6)),
        (Part(2, 5.2), Part(3, None), Part(2, 4.4)),
        (STANDING, Part(4, 4)),
        (Part(3, 7.98, stands=True), Part(4, 4)),
        (Part(2, 4.4), STANDING, Part(2, 5.2)),
    ],
)
def test_pauses_of_a_film_with_b_frames_show_nothing_that_is_hidden(
    made: Make,
    monkeypatch: pytest.MonkeyPatch,
    parts: tuple[Part, ...],
    b_frames: int,
    *,
    played: bool,
) -> None:
    """The first picture that FFmpeg took for a pause came a moment before it."""
    if not played:
        monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    options = {"bf": str(b_frames), "b_strategy": "0"}
    film = made("b.mp4", replace(shown_between(4, 8), codec_options=options))
    delay = (2 if b_frames > 1 else 1) / 25  # of the first picture, in the time of the track
    late = [
        replace(part, begin=None if part.begin is None else part.begin + delay) for part in parts
    ]
    with media.opened(MemorySource(with_edits(film.read_bytes(), *late))) as file:
        steps = range(round(5 * sum(part.seconds for part in parts)))
        moments = [decoded(file.frame_at(step / 5, 96)) for step in steps]
        pictures = pictures_of(file.stills())
    assert max(map(saturation, [*moments, *pictures])) < 12


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize(
    "parts",
    [
        (Part(0.2, 4.2), Part(0.2, 7.4)),
        (Part(0.4, 6.2), Part(3, 4.72)),
        (Part(0.2, 5.2), Part(0.2, 4.6), Part(0.2, 7.6)),
        (Part(1, None), Part(0.2, 4.4), Part(1, None), Part(0.4, 5.8)),
    ],
)
def test_parts_shorter_than_what_leads_in_to_them_are_shown(
    made: Make, parts: tuple[Part, ...], b_frames: int
) -> None:
    """The index is out of order: what leads in to a part may precede the part before."""
    options = {"bf": str(b_frames), "b_strategy": "0"} if b_frames else {}
    film = made("parts.mp4", replace(shown_between(4, 8), codec_options=options))
    delay = b_frames / 25
    late = [
        replace(part, begin=None if part.begin is None else part.begin + delay) for part in parts
    ]
    with media.opened(MemorySource(with_edits(film.read_bytes(), *late))) as file:
        first = next(part.begin for part in parts if part.begin is not None)
        assert mean_color(decoded(file.frame_at(0.0, 96)))[0] == pytest.approx(
            16 + 8 * first, abs=3
        )
        assert file.stills().storyboard is not None


@pytest.mark.parametrize("begin", [0.0, 2.0, 2.72])
def test_only_edit_without_a_length_shows_the_rest(made: Make, begin: float) -> None:
    """As players do; FFmpeg would show nothing."""
    data = made("a.mp4", hidden_until(begin)).read_bytes()
    with media.opened(MemorySource(with_edits(data, Part(0, begin)))) as file:
        assert file.media.duration == pytest.approx(12 - begin, abs=0.05)
        first, stills = decoded(file.frame_at(0, 96)), file.stills()
    assert max(map(saturation, [first, *pictures_of(stills)])) < 12
    assert mean_color(first)[0] == pytest.approx(16, abs=3)
