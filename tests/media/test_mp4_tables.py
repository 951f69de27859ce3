"""Tables that declare more samples than memory has room for: refused before FFmpeg sees them."""

import pytest

from shared.errors import UnplayableClip
from shared.media import FailureCode, Limits
from shared.media.inspect.mp4 import tables_of
from shared.media.inspect.mp4_tables import check_samples
from shared.media.reading.source import SourceFile
from tests.media.clips import Clip, MemorySource
from tests.media.conftest import Make, outcome_of
from tests.media.edits import Part, with_edits
from tests.media.test_layout import box

FTYP, MDAT = box("ftyp", b"isom\0\0\0\0"), box("mdat", bytes(50))
# With what FFmpeg makes of it there are some 700 MB: enough to be seen where the check is missing.
TOO_MANY = 20_000_000


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(4) for value in values)


def sizes(count: int) -> bytes:
    """All samples have one byte, so that the table itself has one length."""
    return box("stsz", numbers(0, 1, count))


def refusal(data: bytes) -> str | None:
    """The code with which the tables of a file are refused."""
    try:
        check_samples(tables_of(SourceFile(MemorySource(data), Limits(), clock=lambda: 0.0)))
    except UnplayableClip as failure:
        return failure.failure_code
    return None


def changed(data: bytes, table: bytes, at: int, *values: int) -> bytes:
    """The file with numbers in the last such table, `at` bytes behind its name."""
    start = data.rindex(table) + at
    new = numbers(*values)
    return data[:start] + new + data[start + len(new) :]


def test_film_with_more_samples_than_fit_is_refused(made: Make) -> None:
    """A file of some kilobytes, but for one number that of any camera."""
    film = made("a.mp4", Clip(seconds=0.2)).read_bytes()
    assert outcome_of(film) == "ready"
    assert outcome_of(changed(film, b"stsz", 8, 1, TOO_MANY)) == FailureCode.TOO_MUCH_READING


def test_edits_count_each_for_all_samples(made: Make) -> None:
    film = made("a.mp4", Clip(seconds=0.2)).read_bytes()
    assert outcome_of(changed(film, b"elst", 8, TOO_MANY)) == FailureCode.TOO_MUCH_READING


def test_edits_that_take_minutes_to_search_are_refused(made: Make) -> None:
    """They fit into memory, but FFmpeg's time grows with the square of their number."""
    film = made("a.mp4", Clip(seconds=0.2)).read_bytes()
    whole, moment = Part(0.2, 0.0), Part(0.001, 0.1, stands=True)
    assert outcome_of(with_edits(film, whole, *[moment] * 999)) == "ready"
    assert outcome_of(with_edits(film, whole, *[moment] * 1000)) == FailureCode.TOO_MUCH_READING


def test_hours_of_uncompressed_sound_are_no_harm(made: Make) -> None:
    """Each of its samples is one tick long, and FFmpeg takes as many together as it likes."""
    film = made("a.mov", Clip(seconds=0.2, sounds=("pcm_s16le",))).read_bytes()
    assert outcome_of(changed(film, b"stsz", 12, 1_000_000_000)) == "ready"


def test_chunks_of_sound_that_hold_more_than_fits_are_refused(made: Make) -> None:
    film = made("a.mov", Clip(seconds=0.2, sounds=("pcm_s16le",))).read_bytes()
    data = changed(film, b"stsc", 16, 0xFFFF_FFFF)
    assert outcome_of(data) == FailureCode.TOO_MUCH_READING


def test_sound_track_with_a_picture_handler_counts_as_film(made: Make) -> None:
    film = made("a.mov", Clip(seconds=0.2, sounds=("pcm_s16le",))).read_bytes()
    data = changed(film, b"stsz", 12, 1_000_000_000)
    handler = data.rindex(b"soun")
    data = data[:handler] + b"vide" + data[handler + 4 :]
    assert outcome_of(data) == FailureCode.TOO_MUCH_READING


@pytest.mark.parametrize(
    "boxes",
    [
        box("moov", box("trak", sizes(TOO_MANY))),
        box("moov", box("trak", box("stz2", numbers(0, 4, TOO_MANY)))),
        box("moov", box("trak", sizes(TOO_MANY // 4)) * 4),
        box("moov", box("trak", sizes(TOO_MANY // 4) * 4)),
        box("moov", box("udta", box("stsd", bytes(8) + sizes(TOO_MANY)))),
        MDAT + box("trak", sizes(TOO_MANY)),
        box("moov") + MDAT + box("trak", sizes(TOO_MANY)),
        box("free", box("mvhd") + box("trak", sizes(TOO_MANY))),
        box("free", box("cmov", box("dcom", b"zlib"))),
        box("moov", box("cmov", box("dcom", b"zlib"))),
        box("free") * 300 + box("moov", box("trak", sizes(TOO_MANY))),
        numbers(0) + b"moov" + box("trak", sizes(TOO_MANY)),
        numbers(1) + b"moov" + numbers(0, 500) + box("trak", sizes(TOO_MANY)),
    ],
)
def test_table_is_counted_wherever_ffmpeg_reads_it(boxes: bytes) -> None:
    """Several, at odd places, in boxes of another name, compressed, or behind many others."""
    assert refusal(FTYP + boxes) == FailureCode.TOO_MUCH_READING


@pytest.mark.parametrize(
    "boxes",
    [
        box("moov", box("trak", sizes(4_000_000)) * 2),
        box("moov") + box("mdat", box("trak", sizes(TOO_MANY))),
        box("free", bytes(4) + b"free" + box("trak", sizes(TOO_MANY))),
        box("moov") + box("moof") * 300,
        box("moov", b"cmov"),
        b"",
    ],
)
def test_tables_that_take_little_memory_are_accepted(boxes: bytes) -> None:
    """Twenty hours of film are accepted, and boxes like tables where FFmpeg reads none."""
    assert refusal(FTYP + boxes) is None


def test_file_without_mp4_header_is_not_read_as_mp4(made: Make) -> None:
    """The tables of such a file would otherwise not be checked."""
    film = made("a.mp4", Clip(seconds=0.2)).read_bytes()
    assert outcome_of(box("abcd") + film) == FailureCode.NOT_A_VIDEO
