"""Indexes that claim more than a film can have: refused before they cost memory or time."""

import re
import struct
from collections.abc import Sequence

import pytest

from shared.media.cutting.by_index.mp4_boxes import box, full_box
from shared.media.cutting.by_index.mp4_film import Mp4Film
from shared.media.cutting.by_index.mp4_selection import TooManyFrames
from shared.media.cutting.unsuitable import Unsuitable
from shared.media.cutting.without_index.entries import entries_of
from shared.model.cut_method import Accuracy
from tests.media.clips import Clip, MemorySource, make

HOUR = 3600 * 25


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def track(
    samples: int, *, handler: bytes = b"vide", keyframes: int = 1, chunks: Sequence[int] = (1,)
) -> bytes:
    """A track of samples of one byte each, whose tables take few bytes whatever their number.

    `chunks` are the numbers of the chunks from which on each has all samples.
    """
    tables = box(
        b"stbl",
        full_box(b"stsd", 0, 0, numbers(1), box(b"mp4v", bytes(78))),
        full_box(b"stts", 0, 0, numbers(1, samples, 40)),
        full_box(b"stss", 0, 0, numbers(keyframes, *(1 for _ in range(keyframes)))),
        full_box(b"stsz", 0, 0, numbers(1, samples)),
        full_box(
            b"stsc", 0, 0, numbers(len(chunks), *(n for at in chunks for n in (at, samples, 1)))
        ),
        full_box(b"stco", 0, 0, numbers(1, 48)),
    )
    references = full_box(b"dref", 0, 0, numbers(1), full_box(b"url ", 0, 1))
    media = box(
        b"mdia",
        full_box(b"mdhd", 0, 0, numbers(0, 0, 1000, samples, 0)),
        full_box(b"hdlr", 0, 0, numbers(0), handler, bytes(13)),
        box(b"minf", box(b"dinf", references), tables),
    )
    return box(b"trak", full_box(b"tkhd", 0, 1, bytes(80)), media)


def film(*tracks: bytes) -> Mp4Film:
    header = full_box(b"mvhd", 0, 0, numbers(0, 0, 1000, 0), bytes(80))
    return Mp4Film(box(b"ftyp", b"isom", bytes(4)), box(b"moov", header, *tracks))


def test_film_of_an_hour_is_cut() -> None:
    span, _ = film(track(HOUR), track(HOUR, handler=b"soun")).cut(1, 2, Accuracy.KEYFRAME)
    assert span.end == 2


def test_cut_of_more_frames_than_a_call_may_hold_is_refused() -> None:
    """A table of a few bytes gives all frames of a film one size."""
    whole = film(track(HOUR))
    with pytest.raises(TooManyFrames):
        whole.cut(0, 3600, Accuracy.KEYFRAME, most_frames=HOUR - 1)
    assert whole.cut(0, 3600, Accuracy.KEYFRAME, most_frames=HOUR)[0].end == 3600


@pytest.mark.parametrize(
    "tracks",
    [
        [track(23 * HOUR)],
        [track(10_000_000)],
        [track(0xFFFF_FFFF)],
        [track(25), *(track(30 * HOUR, handler=b"soun") for _ in range(3))],
        [track(25, keyframes=26)],
        [track(25), *(box(b"free") for _ in range(20_000))],
        [track(25, chunks=())],
        [track(25, chunks=(2,))],
        [track(25, chunks=(1, 3, 2))],
    ],
    ids=[
        *("frames", "samples", "all", "many tracks", "keyframes", "boxes"),
        *("no chunks", "no first chunk", "chunks out of order"),
    ],
)
def test_index_that_claims_too_much_or_contradicts_itself_is_refused(tracks: list[bytes]) -> None:
    with pytest.raises(Unsuitable):
        film(*tracks)


FORMATS = {
    "mp4": {"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    "mkv": {"live": "1"},
}
CLUSTER_TIME = rb"(\x1f\x43\xb6\x75.{1,8}?\xe7)[\x81-\x88]"
# A format, what is replaced in a film of it (but for the group), and by what.
DAMAGES = {
    "fragment without a time": ("mp4", rb"()tfdt", b"free"),
    "fragment without a header": ("mp4", rb"()tfhd", b"free"),
    "cluster with a time of no size": ("mkv", CLUSTER_TIME, b"\x00"),
    "cluster with a time of 63 bytes": ("mkv", CLUSTER_TIME, b"\xbf"),
    "clock of 62 bytes": ("mkv", rb"(\x2a\xd7\xb1)\x83", b"\xbe"),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("films")
    return {
        suffix: make(
            folder / f"film.{suffix}", Clip(size=(64, 36), seconds=12, gop=10, options=options)
        ).read_bytes()
        for suffix, options in FORMATS.items()
    }


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_entries_are_passed_over(films: dict[str, bytes], damage: str) -> None:
    suffix, intact, damaged = DAMAGES[damage]
    data, changes = re.subn(
        intact, lambda found: found[1] + damaged, films[suffix], flags=re.DOTALL
    )
    assert changes
    source = MemorySource(data)
    entries = entries_of(source)
    if entries is not None:
        assert entries.behind(entries.first, source.size) is None
