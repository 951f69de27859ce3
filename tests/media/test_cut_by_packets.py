"""Cuts of films without the index of an MP4: packets are copied into a plain MP4."""

from pathlib import Path

import av
import pytest

from shared.errors import CutOutOfRange
from shared.media import Limits, opened
from shared.media.cutting.clip_maker import CutRange, copy_clip
from shared.media.cutting.packets import CopiedFilm
from shared.media.cutting.unsuitable import Unsuitable
from shared.model.cut_method import Accuracy
from shared.model.playability import PlaybackReason, PlaybackVerdict
from tests.media.clips import Clip, make, noisy_scene, source_of
from tests.media.counted import UNTIMED, counted, shown, sound_shift

B_FRAMES = {"preset": "fast", "bf": "2"}
FILMS: dict[str, Clip] = {
    "h264.mkv": counted(codec_options=B_FRAMES),
    "h264.ts": counted(codec_options=B_FRAMES),
    "h264.flv": counted(codec_options={"bf": "0"}),
    "h264.avi": counted(codec_options={"bf": "0"}, sounds=("libmp3lame",)),
    "fragments.mp4": counted(
        codec_options=B_FRAMES, options={"movflags": "frag_keyframe+empty_moov"}
    ),
    "delayed.mp4": counted(
        codec_options=B_FRAMES,
        options={"movflags": "frag_keyframe+delay_moov+default_base_moof"},
    ),
    "vp9.webm": counted(codec="libvpx-vp9", sounds=("libopus",)),
    "open GOP.mkv": counted(
        codec_options=B_FRAMES | {"x264-params": "open-gop=1:scenecut=0"}, seconds=6.0
    ),
    "hevc.mkv": counted(codec="libx265"),
    "av1.mkv": counted(codec="libsvtav1", sounds=("libopus",)),
}
RANGES = [(0, 1), (3.3, 5.02), (5.1, 20)]


def cut(
    path: Path, to: Path, start: float, end: float, accuracy: Accuracy
) -> tuple[Path, CopiedFilm, list[bytes]]:
    blocks: list[bytes] = []
    wanted = CutRange(start=start, end=end, accuracy=accuracy)
    copied = copy_clip(source_of(path), wanted, blocks.append, block=8192, limits=Limits())
    to.write_bytes(copied.beginning + b"".join(blocks))
    return to, copied, blocks


@pytest.mark.parametrize("name", FILMS)
def test_copied_packets_show_exactly_their_range(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, FILMS[name])
    whole = shown(path)
    for accuracy in (Accuracy.KEYFRAME, Accuracy.EDIT_LIST):
        for start, end in RANGES:
            result, copied, blocks = cut(path, tmp_path / "cut.mp4", start, end, accuracy)
            part = shown(result)
            begins, ends = float(copied.start), float(copied.end)
            assert part.numbers == [n for t, n in whole.frames if begins - 0.002 < t < ends - 0.002]
            assert part.frames[0][0] == pytest.approx(0, abs=0.002)
            assert abs(sound_shift(whole.sound, part.sound, begins)) <= 96  # 2 ms
            assert begins <= max(start, whole.frames[0][0] + 0.001)
            if accuracy is Accuracy.EDIT_LIST:
                assert start - begins <= 0.041
            assert all(len(block) <= 8192 for block in blocks[:-1])


def test_result_is_a_plain_mp4_with_its_index_first(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", FILMS["hevc.mkv"])
    result, copied, _ = cut(path, tmp_path / "cut.mp4", 2, 4, Accuracy.KEYFRAME)
    data = result.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"moof" not in data
    assert data[data.index(b"stsd") :][:60].count(b"hvc1") == 1
    assert copied.media_bytes < len(data)


# More bytes than are read at once.
NOISE = Clip(
    seconds=8,
    gop=25,
    size=(640, 360),
    draw=noisy_scene,
)


def test_only_the_copied_part_of_an_indexed_film_is_read(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", NOISE)
    source, blocks = source_of(path), list[bytes]()
    wanted = CutRange(start=4, end=5, accuracy=Accuracy.KEYFRAME)
    copy_clip(source, wanted, blocks.append, block=8192, limits=Limits())
    assert sum(length for _, length in source.reads) < len(source.data) / 2


def test_pictures_without_display_times_are_left_to_the_encoder(tmp_path: Path) -> None:
    for name, recipe in UNTIMED.items():
        path = make(tmp_path / name, recipe)
        with pytest.raises(Unsuitable, match="when pictures are shown"):
            cut(path, tmp_path / "cut.mp4", 1, 2, Accuracy.KEYFRAME)
        with opened(source_of(path)) as file:
            assert file.playback.verdict is PlaybackVerdict.TRANSCODE
            assert PlaybackReason.TIMESTAMPS in file.playback.reasons


def test_codec_that_mp4_refuses_is_left_to_the_encoder(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", counted(codec="libvpx"))
    with pytest.raises(Unsuitable):
        cut(path, tmp_path / "cut.mp4", 1, 2, Accuracy.KEYFRAME)


def test_range_behind_the_film_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", FILMS["h264.mkv"])
    with pytest.raises((CutOutOfRange, Unsuitable)):
        cut(path, tmp_path / "cut.mp4", 30, 31, Accuracy.KEYFRAME)


def test_language_of_the_sound_survives(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", FILMS["h264.mkv"])
    with av.open(str(path)) as container:
        said = [stream.metadata.get("language") for stream in container.streams]
    result, _, _ = cut(path, tmp_path / "cut.mp4", 1, 2, Accuracy.KEYFRAME)
    with av.open(str(result)) as container:
        kept = [stream.metadata.get("language") for stream in container.streams]
    assert [word for word in kept if word not in {None, "und"}] == [w for w in said if w]
