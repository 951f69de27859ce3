"""Cropping by a container: the media block has the size that is shown."""

import struct

import pytest

from shared.media.pictures.cropping import Cropping
from tests.media.clips import Clip, MemorySource
from tests.media.conftest import Make, describe
from tests.media.test_encrypted import with_element

CODED = (160, 120)


def pixel_crop(top: int, bottom: int, left: int, right: int) -> bytes:
    """Returns the four elements of Matroska, each with a number of two bytes."""
    names = (("54bb", top), ("54aa", bottom), ("54cc", left), ("54dd", right))
    return b"".join(bytes.fromhex(name) + b"\x82" + number.to_bytes(2) for name, number in names)


@pytest.mark.parametrize(
    ("sides", "size"),
    [
        ((15, 15, 0, 0), (160, 90)),
        ((0, 0, 20, 20), (120, 120)),
        ((10, 0, 0, 30), (130, 110)),
        ((0, 0, 0, 0), CODED),
    ],
)
def test_cropped_matroska_has_the_displayed_size(
    made: Make, sides: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    clip = Clip(size=CODED, seconds=0.4, codec="libvpx", options={"live": "1"})
    data = with_element(made("a.mkv", clip).read_bytes(), pixel_crop(*sides), within_video=True)
    video = describe(MemorySource(data)).video
    assert video is not None
    assert (video.width, video.height) == size
    assert (video.coded_width, video.coded_height) == CODED


@pytest.mark.parametrize(
    ("shown", "offset", "box"),
    [
        ((160, 90), (0, 0), (0, 15, 160, 105)),
        ((100, 120), (0, 0), (30, 0, 130, 120)),
        ((100, 100), (10, -10), (40, 0, 140, 100)),
    ],
)
def test_cropping_has_a_box(
    shown: tuple[int, int], offset: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    """It is around the centre, moved by the offset."""
    left, top = (CODED[i] // 2 - shown[i] // 2 + offset[i] for i in (0, 1))
    cropping = Cropping(
        top=top, bottom=CODED[1] - top - shown[1], left=left, right=CODED[0] - left - shown[0]
    )
    assert cropping.box(CODED) == box
    assert cropping.size(CODED) == shown


@pytest.mark.parametrize(
    "cropping",
    [Cropping(60, 60, 0, 0), Cropping(0, 0, 200, 0), Cropping(2**32 - 1, 2**32 - 1, 0, 0)],
)
def test_cropping_of_the_whole_picture_is_ignored(cropping: Cropping) -> None:
    assert cropping.size(CODED) == CODED


@pytest.mark.parametrize(("rotation", "size"), [(0, (100, 60)), (90, (60, 100))])
def test_cropped_mp4_has_the_displayed_size(
    made: Make, rotation: int, size: tuple[int, int]
) -> None:
    """A `clap` box is put into the sample entry; turning comes after cropping."""
    data = made("a.mp4", Clip(size=CODED, seconds=0.4, rotation=rotation)).read_bytes()
    numbers = struct.pack(">8I", 100, 1, 60, 1, 0, 1, 0, 1)
    clap = (8 + len(numbers)).to_bytes(4) + b"clap" + numbers
    at = data.index(b"avcC") - 4
    changed = bytearray(data[:at] + clap + data[at:])
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        size_at = changed.rindex(parent, 0, at) - 4
        length = int.from_bytes(changed[size_at : size_at + 4]) + len(clap)
        changed[size_at : size_at + 4] = length.to_bytes(4)
    video = describe(MemorySource(bytes(changed))).video
    assert video is not None
    assert (video.width, video.height) == size
