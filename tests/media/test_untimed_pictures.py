"""Pictures without a time of their own, as several in one packet of MPEG-PS have."""

from dataclasses import replace

import pytest

from tests.media.clips import Clip, source_of
from tests.media.conftest import Make, stills_of
from tests.media.test_frame_at import numbered, shown_at

# So small that a packet of two kilobytes holds many of them.
SMALL = Clip(size=(96, 64), gop=25, draw=numbered)


@pytest.mark.parametrize("name", ["camera.mpg", "camera.vob"])
@pytest.mark.parametrize("sounds", [(), ("mp2",)])
def test_still_of_a_camera_is_the_picture_of_its_time(
    made: Make, name: str, sounds: tuple[str, ...]
) -> None:
    file_format = "vob" if name.endswith("vob") else "mpeg"
    source = source_of(made(name, replace(SMALL, sounds=sounds, format=file_format)))
    for number in (0, 1, 9, 24, 25, 26, 37, 49):
        seconds = (number + 0.5) / 25
        assert shown_at(source, seconds) == pytest.approx(number, abs=1.6)


def test_film_of_a_camera_has_a_preview_and_every_tile(made: Make) -> None:
    path = made("long.mpg", replace(SMALL, seconds=6.0, format="mpeg"))
    stills = stills_of(path)
    assert stills.preview is not None
    assert stills.storyboard is not None
    assert len(stills.storyboard.starts) >= 5
    assert stills.storyboard.duration == pytest.approx(6, abs=0.5)
