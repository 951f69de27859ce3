"""Films whose picture is copied and whose sound is encoded again."""

from pathlib import Path

import pytest

from shared.media import Limits, opened
from shared.media.cutting.clip_maker import copy_picture
from shared.model.playability import PlaybackVerdict, playback_of
from tests.media.clips import Clip, make, source_of
from tests.media.counted import counted, shown, sound_shift

FILMS: dict[str, Clip] = {
    "ac3.mkv": counted(sounds=("ac3",), codec_options={"preset": "fast", "bf": "2"}),
    "pcm.mov": counted(sounds=("pcm_s16le",)),
    "opus.mkv": counted(sounds=("libopus",)),
    "mp2.ts": counted(sounds=("mp2",), codec_options={"preset": "fast", "bf": "2"}),
}


@pytest.mark.parametrize("name", FILMS)
def test_picture_stays_and_sound_plays_everywhere(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, FILMS[name])
    before = shown(path)
    blocks: list[bytes] = []
    film = copy_picture(
        source_of(path),
        "libx264",
        blocks.append,
        block=65536,
        limits=Limits(),
        check=lambda: None,
    )
    result = tmp_path / "result.mp4"
    result.write_bytes(film.beginning + b"".join(blocks))
    after = shown(result)
    assert after.numbers == before.numbers
    late = before.frames[0][0]
    assert [time + late for time, _ in after.frames] == pytest.approx(
        [time for time, _ in before.frames], abs=0.003
    )
    assert abs(sound_shift(before.sound, after.sound, late)) <= 96
    with opened(source_of(result)) as file:
        assert playback_of(file.media, fragmented=False).verdict is PlaybackVerdict.DIRECT
