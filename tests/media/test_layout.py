"""The outermost structure, on files of a few bytes."""

import pytest

from shared.media.inspect.headers import read_layout
from shared.media.inspect.layout import Layout
from shared.media.reading.byte_source import Limits
from shared.media.reading.source import SourceFile
from tests.media.clips import MemorySource


def box(kind: str, body: bytes = b"", size: int | None = None) -> bytes:
    """Returns one box; `size` lies about its length."""
    return (8 + len(body) if size is None else size).to_bytes(4) + kind.encode() + body


def layout_of(data: bytes) -> Layout:
    """Returns the layout of a file of these bytes."""
    return read_layout(SourceFile(MemorySource(data), Limits(), clock=lambda: 0.0))


MP4 = box("ftyp", b"isom\0\0\0\0")
MOOV, MDAT, MOOF = box("moov", bytes(20)), box("mdat", bytes(50)), box("moof", bytes(10))


@pytest.mark.parametrize(
    ("brand", "name"),
    [
        (b"isom", "mp4"),
        (b"mp42", "mp4"),
        (b"M4V ", "mp4"),
        (b"M4A ", "m4a"),
        (b"qt  ", "mov"),
        (b"3gp5", "3gp"),
        (b"3g2a", "3g2"),
    ],
)
def test_brand_names_the_family_member(brand: bytes, name: str) -> None:
    """The major brand, not the compatible ones."""
    assert layout_of(box("ftyp", brand) + MOOV + MDAT).container == name


def test_quicktime_without_brand() -> None:
    """Old cameras wrote such files."""
    assert layout_of(box("wide") + MDAT + MOOV).container == "mov"


@pytest.mark.parametrize(
    ("boxes", "fast_start"),
    [
        (MOOV + MDAT, True),
        (MDAT + MOOV, False),
        (box("free") + MOOV + box("free") + MDAT, True),
        (MOOV, True),
        (MOOV + MOOF + MDAT, True),
    ],
)
def test_fast_start(boxes: bytes, *, fast_start: bool) -> None:
    """Whether `moov` precedes `mdat`."""
    layout = layout_of(MP4 + boxes)
    assert layout.fast_start is fast_start
    assert not layout.truncated


def test_large_sizes() -> None:
    """A film above 4 GB has sizes of 64 bits."""
    large = (1).to_bytes(4) + b"mdat" + (16 + 50).to_bytes(8) + bytes(50)
    layout = layout_of(MP4 + large + MOOV)
    assert (layout.fast_start, layout.truncated) == (False, False)


def test_last_box_may_reach_to_the_end() -> None:
    """Its size is 0 then."""
    assert not layout_of(MP4 + MOOV + box("mdat", bytes(50), size=0)).truncated


@pytest.mark.parametrize(
    "boxes",
    [
        b"",
        MDAT,
        box("mdat", bytes(50), size=5000),
        box("mdat", bytes(50), size=0),
        MDAT + MOOV[:-1],
        MOOV + MOOF + MDAT[:-1],
        MOOV + MOOF + MDAT + MOOF[:-1],
    ],
)
def test_truncated(boxes: bytes) -> None:
    """`moov` is missing or cut, or a fragment is cut."""
    assert layout_of(MP4 + boxes).truncated


def test_cut_mdat_behind_moov_is_left_to_the_sample_index() -> None:
    """Some writers give a size that is too large, although all samples exist."""
    assert not layout_of(MP4 + MOOV + MDAT[:-1]).truncated


def test_fragments_are_walked_to_the_end() -> None:
    """The walk ends early if the file ends with its index, which only a complete file has."""
    fragments = (MOOF + MDAT) * 20
    mfro = (16).to_bytes(4) + b"mfro" + bytes(8)
    assert layout_of(MP4 + MOOV + fragments).fragmented
    assert not layout_of(MP4 + MOOV + fragments).truncated
    assert not layout_of(MP4 + MOOV + fragments + mfro).truncated
    assert layout_of(MP4 + MOOV + fragments[:-1]).truncated


def test_rubbish_behind_the_last_box() -> None:
    """Such bytes are not a box."""
    layout = layout_of(MP4 + MOOV + MOOF + MDAT + b"\0\0\0\x03rubbish")
    assert not layout.truncated


def test_still_pictures() -> None:
    """HEIC and AVIF are of the same family, without `moov`."""
    assert layout_of(box("ftyp", b"heic") + box("meta", bytes(20)) + MDAT).still_picture


def ebml(doctype: bytes, segment_size: bytes, body: bytes) -> bytes:
    """Returns a Matroska file with a segment of this size field."""
    head = b"\x42\x82" + bytes((0x80 | len(doctype),)) + doctype
    return (
        b"\x1a\x45\xdf\xa3" + bytes((0x80 | len(head),)) + head
        + b"\x18\x53\x80\x67" + segment_size + body
    )  # fmt: skip


@pytest.mark.parametrize(("doctype", "name"), [(b"webm", "webm"), (b"matroska", "matroska")])
def test_doctype(doctype: bytes, name: str) -> None:
    """It distinguishes WebM from Matroska."""
    assert layout_of(ebml(doctype, b"\xff", bytes(50))).container == name


@pytest.mark.parametrize(
    ("size", "truncated"),
    [
        (b"\x80" + b"", False),
        (bytes((0x80 | 50,)), False),
        (bytes((0x80 | 51,)), True),
        (b"\x40\x33", True),
        (b"\x01\xff\xff\xff\xff\xff\xff\xff", False),  # unknown, as a live recording says
    ],
)
def test_segment_size(size: bytes, *, truncated: bool) -> None:
    """Sizes have one, two and eight bytes."""
    assert layout_of(ebml(b"webm", size, bytes(50))).truncated is truncated


@pytest.mark.parametrize(
    ("declared", "truncated"),
    [(42, False), (43, False), (44, True), (0, False), (2**32 - 1, False)],
)
def test_riff_size(declared: int, *, truncated: bool) -> None:
    """Recorders that were stopped leave 0 or the largest; a padding byte may be missing."""
    data = b"RIFF" + declared.to_bytes(4, "little") + b"AVI " + bytes(38)
    assert len(data) == 50
    assert layout_of(data) == Layout(container="avi", truncated=truncated)


@pytest.mark.parametrize("data", [b"x", b"\0" * 100, b"ID3\4" + bytes(50), b"G" + bytes(187)])
def test_unknown(data: bytes) -> None:
    """FFmpeg decides about unknown files."""
    assert layout_of(data) == Layout()


MVHD = box("mvhd", bytes(20))
INDEX = box("moov", MVHD)


@pytest.mark.parametrize(
    "boxes",
    [
        box("free", bytes(50), size=4) + MDAT + MOOV,
        box("free", bytes(50), size=5000) + MDAT + INDEX,
        MDAT + box("free", bytes(10), size=2**31) + INDEX,
        box("mdat", bytes(50), size=2**31) + INDEX,
        box("mdat", bytes(50), size=0) + INDEX,
        MDAT + b"\xff" * 30 + INDEX,
    ],
)
def test_whole_file_with_a_damaged_box_is_not_truncated(boxes: bytes) -> None:
    """Nothing is missing: to upload it again would not help."""
    assert not layout_of(MP4 + boxes).truncated


def test_file_that_ends_within_a_box_header_is_truncated() -> None:
    for length in range(1, 8):
        assert layout_of((MP4 + MDAT + MOOV)[: len(MP4 + MDAT) + length]).truncated
