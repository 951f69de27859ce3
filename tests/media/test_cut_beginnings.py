"""Where a cut may begin: at a frame that can be decoded alone, and that the source shows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.media import Limits
from shared.media.cutting import packets
from shared.media.cutting.by_index import mp4_selection
from shared.media.cutting.by_index.keyframe_heads import gives_picture_alone
from shared.media.cutting.by_index.mp4_film import read_film
from shared.media.cutting.clip_maker import CutRange, copy_clip, encode_clip
from shared.media.cutting.packets import CopiedFilm
from shared.media.cutting.unsuitable import Unsuitable
from shared.model.cut_method import Accuracy
from tests.media.clips import Clip, MemorySource, make, source_of
from tests.media.conftest import describe
from tests.media.counted import counted, shown
from tests.media.remux import Remux, remuxed
from tests.media.test_cropping import pixel_crop
from tests.media.test_encrypted import with_element

REFRESHED = counted(
    seconds=6.0,
    size=(160, 96),
    sounds=(),
    codec_options={"x264-params": "intra-refresh=1:keyint=25:bframes=0:ref=1:scenecut=0"},
)


def copied(source: MemorySource, start: float, end: float, accuracy: Accuracy) -> CopiedFilm:
    wanted = CutRange(start=start, end=end, accuracy=accuracy)
    return copy_clip(source, wanted, lambda _: None, block=65536, limits=Limits())


def encoded(source: MemorySource, to: Path, start: float, end: float) -> CopiedFilm:
    blocks: list[bytes] = []
    film = encode_clip(
        source,
        CutRange(start=start, end=end, accuracy=Accuracy.FRAME),
        "libx264",
        blocks.append,
        block=65536,
        limits=Limits(),
        check=lambda: None,
    )
    to.write_bytes(film.beginning + b"".join(blocks))
    return film


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], MemorySource]:
    """Films with recovery points only, but for the first frame, in any container."""
    film = make(tmp_path_factory.mktemp("refreshed") / "film.ts", REFRESHED)
    return lambda name: source_of(
        film if name == "film.ts" else remuxed(film.with_name(name), film, Remux())
    )


@pytest.mark.parametrize("name", ["film.mp4", "film.ts", "film.mkv"])
def test_recovery_point_is_no_beginning(
    refreshed: Callable[[str], MemorySource], tmp_path: Path, name: str
) -> None:
    source = refreshed(name)
    for accuracy in (Accuracy.KEYFRAME, Accuracy.EDIT_LIST):
        with pytest.raises(Unsuitable, match=r"alone|there is no index"):
            read_film(source).cut(4, 5, accuracy)
        with pytest.raises(Unsuitable, match="alone"):
            copied(source, 4, 5, accuracy)
    film = encoded(source, tmp_path / "clip.mp4", 4, 5)
    assert float(film.start) == pytest.approx(4, abs=0.002)
    assert shown(tmp_path / "clip.mp4").numbers == list(range(100, 125))


def test_first_bytes_show_whether_a_sample_gives_a_picture_alone() -> None:
    def sample(*units: bytes) -> bytes:
        return b"".join(len(unit).to_bytes(4) + unit for unit in units)

    settings = b"\x67\x64\x00\x1f"
    idr, inter, intra = b"\x65\x88\x84", b"\x41\x9a\x24", b"\x41\x88\x80"
    for units, alone in [
        ((settings, idr), True),
        ((settings, inter), False),
        ((settings, intra), True),
        ((settings,), True),
        ((), True),
    ]:
        assert gives_picture_alone(b"avc1", sample(*units), 4) is alone
    for kind, alone in [(19, True), (21, True), (1, False), (0, False)]:
        assert gives_picture_alone(b"hvc1", sample(bytes([kind << 1, 1, 0])), 4) is alone
    assert gives_picture_alone(b"vp09", b"anything", 0)


@pytest.mark.parametrize("options", [{}, {"movflags": "frag_keyframe"}])
def test_keyframe_far_before_the_start_is_no_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, str]
) -> None:
    for module in (mp4_selection, packets):
        monkeypatch.setattr(module, "FARTHEST_KEYFRAME", 3)
    source = source_of(make(tmp_path / "film.mp4", counted(gop=1000, options=options)))
    for cut in (read_film(source).cut, copied.__get__(source)) if not options else ():
        cut(2.5, 4, Accuracy.KEYFRAME)
        with pytest.raises(Unsuitable, match="too far apart"):
            cut(5, 6, Accuracy.KEYFRAME)
    with pytest.raises(Unsuitable, match="too far apart"):
        copied(source, 5, 6, Accuracy.EDIT_LIST)


def test_no_method_copies_a_hidden_lead_in(tmp_path: Path) -> None:
    whole = source_of(make(tmp_path / "film.mp4", counted()))
    _, cut = read_film(whole).cut(3, 8, Accuracy.EDIT_LIST)
    media = b"".join(whole.data[offset : offset + length] for offset, length in cut.ranges)
    trimmed = MemorySource(cut.header + media)
    for accuracy in (Accuracy.KEYFRAME, Accuracy.EDIT_LIST):
        with pytest.raises(Unsuitable, match="hidden"):
            read_film(trimmed).cut(0.2, 2, accuracy)
        with pytest.raises(Unsuitable, match="hidden"):
            copied(trimmed, 0.2, 2, accuracy)
    film = encoded(trimmed, tmp_path / "clip.mp4", 0.2, 2)
    assert float(film.start) == pytest.approx(0.2, abs=0.002)
    assert shown(tmp_path / "clip.mp4").numbers == list(range(80, 125))


@pytest.mark.parametrize("sides", [(15, 15, 0, 0), (0, 0, 20, 20), (10, 0, 0, 30)])
def test_encoded_clip_shows_what_a_container_leaves_of_the_picture(
    tmp_path: Path, sides: tuple[int, int, int, int]
) -> None:
    clip = Clip(size=(160, 120), seconds=0.4, codec="libvpx", options={"live": "1"})
    path = make(tmp_path / "film.mkv", clip)
    source = MemorySource(with_element(path.read_bytes(), pixel_crop(*sides), within_video=True))
    wanted = describe(source).video
    encoded(source, tmp_path / "clip.mp4", 0, 1)
    video = describe(tmp_path / "clip.mp4").video
    assert video is not None
    assert wanted is not None
    assert (video.width, video.height) == (wanted.width // 2 * 2, wanted.height // 2 * 2)
