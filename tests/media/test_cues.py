"""Cues and lengths are exact: open GOPs, hidden beginnings, decimal seconds, damage."""

from pathlib import Path
from typing import Any

import av
import pytest
from av import Packet, VideoFrame
from PIL import Image

from shared import media
from shared.media.frames import keyframes
from shared.media.frames.decoder import Decoder
from tests.media.clips import Clip, MemorySource, decoded, make, mean_color, source_of
from tests.media.conftest import Make
from tests.media.remux import KEEP_TIMES, Remux, remuxed
from tests.media.test_storyboard import clock, tiles_of

SIZE = (160, 96)
OPEN = "open-gop=1:keyint=25:min-keyint=25:bframes=4:b-adapt=0:scenecut=0"
FRAGMENTED = {"movflags": "frag_keyframe+delay_moov+default_base_moof"}


@pytest.mark.parametrize(
    ("name", "codec", "codec_options"),
    [
        ("h264.mp4", "libx264", {"preset": "veryfast", "x264-params": OPEN}),
        ("pyramid.mov", "libx264", {"x264-params": f"{OPEN}:bframes=8:b-pyramid=normal"}),
        ("hevc.mp4", "libx265", {"x265-params": f"log-level=none:{OPEN}"}),
        ("mpeg2.mov", "mpeg2video", {"bf": "2", "b": "2M"}),
    ],
)
def test_cues_of_an_open_gop_are_the_times_of_its_keyframes(
    made: Make,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    codec: str,
    codec_options: dict[str, str],
) -> None:
    """A keyframe is shown later than it is decoded by the frames that lead to it."""
    monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    clip = Clip(seconds=8, size=SIZE, gop=25, codec=codec, codec_options=codec_options)
    path = made(name, clip)
    with av.open(str(path)) as container:
        film = container.streams.video[0]
        shown = {round(float((packet.pts or 0) * film.time_base), 3)
                 for packet in container.demux(film) if packet.is_keyframe}  # fmt: skip
    with media.opened(source_of(path)) as file:
        board = file.stills().storyboard
    assert board is not None
    assert len(board.starts) >= 5
    assert set(board.starts) <= shown | {0.0}


@pytest.mark.parametrize("begin", [0.56, 1.32, 3.4])
@pytest.mark.parametrize("with_sound", [True, False])
def test_hidden_beginning_of_a_fragmented_film_is_no_part_of_its_length(
    made: Make, begin: float, *, with_sound: bool
) -> None:
    """FFmpeg counts what the edit list hides."""
    film = made("a.mp4", Clip(seconds=8, size=SIZE, gop=50, draw=clock))
    sound = made("a.m4a", Clip(codec=None, sounds=("aac",), seconds=7)) if with_sound else None
    path = film.with_name("fragmented.mp4")
    remuxed(path, film, Remux(delay=-begin, options=KEEP_TIMES | FRAGMENTED), sound)
    with media.opened(source_of(path)) as file:
        stills = file.stills()
        assert file.media.duration == pytest.approx(max(8 - begin, 7 if with_sound else 0), abs=0.1)
    board = stills.storyboard
    assert board is not None
    for start, tile in zip(board.starts[1:], tiles_of(stills)[1:], strict=True):
        assert mean_color(tile)[0] == pytest.approx(10 * (start + begin), abs=5)


def gray_of_frame(size: tuple[int, int], seconds: float) -> Image.Image:
    """Draws a gray that is another one for each frame."""
    return Image.new("RGB", size, (round(seconds * 25) * 2,) * 3)


@pytest.mark.parametrize("number", [3, 17, 34, 85])
def test_decimal_second_is_the_frame_that_begins_then(made: Make, number: int) -> None:
    """In binary, 3.4 is less than the decimal 3.4."""
    path = made("a.mp4", Clip(seconds=4, size=SIZE, draw=gray_of_frame))
    with media.opened(source_of(path)) as file:
        shown = decoded(file.frame_at(number / 25, 160))
    assert mean_color(shown)[0] == pytest.approx(2 * number, abs=0.9)


def test_short_film_is_decoded_once(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is decoded once for tiles, poster and preview together."""
    packets: list[object] = []
    decode = Decoder.decode

    def counted(decoder: Decoder, packet: "Packet[Any] | None") -> list[VideoFrame]:
        packets.append(packet)
        return decode(decoder, packet)

    monkeypatch.setattr(Decoder, "decode", counted)
    path = made("a.mp4", Clip(seconds=4, size=SIZE, gop=50))
    with media.opened(source_of(path)) as file:
        stills = file.stills()
    assert stills.preview is not None
    assert len(packets) < 110


@pytest.mark.parametrize("dropped", [1, 30])
def test_film_whose_first_frames_are_no_keyframes_has_stills_of_any_time(
    tmp_path: Path, dropped: int
) -> None:
    """Before the first keyframe, it is the first frame that can be decoded."""
    film = make(tmp_path / "a.ts", Clip(
        seconds=8, size=SIZE, codec_options={
            "x264-params": "intra-refresh=1:keyint=60:bframes=0:scenecut=0"}))  # fmt: skip
    path = remuxed(tmp_path / "a.mp4", film, Remux(dropped=dropped))
    with media.opened(source_of(path)) as file:
        pictures = [decoded(file.frame_at(seconds, 160)) for seconds in (0, 1.5, 4)]
    assert all(picture.size == SIZE for picture in pictures)


def test_fragment_with_a_time_beyond_reason_does_not_spoil_the_others(made: Make) -> None:
    """Its frames have no place in the film; the rest is shown."""
    path = made("a.mp4", Clip(seconds=4, size=SIZE, draw=clock, options={
        "movflags": "frag_keyframe+empty_moov"}))  # fmt: skip
    data = bytearray(path.read_bytes())
    data[data.find(b"tfdt") + 8] = 0x40
    with media.opened(MemorySource(bytes(data))) as file:
        stills = file.stills()
    assert stills.poster is not None
    assert stills.storyboard is not None
    assert stills.storyboard.starts[-1] < 4
