"""How many samples the tables of an MP4 promise, counted before FFmpeg makes room for them.

Its demuxer keeps some 35 bytes for each sample, and again for each part of an edit list. A table
need not list what it promises: a file of two kilobytes can ask for gigabytes. So what lies
outside of the samples is searched for the tables, wherever in it they stand: FFmpeg takes them
from places where no writer puts them. Fragments are left to FFmpeg, which holds these to the size
of the file, and to the bound in `memory`.

Sources: ISO/IEC 14496-12, sections 8.6 and 8.7; the QuickTime File Format Specification.
"""

import re
from collections.abc import Iterator

from shared.media.failures import FailureCode, unplayable
from shared.media.inspect.boxes import box_at
from shared.media.reading.source import BLOCK_BYTES, Range, SourceFile

_MAX_SAMPLES = 8_000_000
"""Picture and sound of twenty hours, and at most 300 MB of memory."""

_MAX_TABLES = 64 * 1024 * 1024
_MAX_BOXES = 256

_NO_TABLES = frozenset((b"mdat", b"skip", b"uuid", b"wide", b"free"))
_IN_DISGUISE = (b"mvhd", b"cmov")
"""What FFmpeg takes a `free` box for a `moov` by, if it comes first in it."""

_SIZES, _CHUNKS, _EDITS = re.compile(b"stsz|stz2"), re.compile(b"stco|co64"), re.compile(b"elst")
_TIMES, _IN_CHUNKS = re.compile(b"stts"), re.compile(b"stsc")
_OTHER_THAN_SOUND = re.compile(b"hdlr.{8}(?:vide|m1a |subp|clcp)", re.DOTALL)
_SOUND = re.compile(b"hdlr.{8}soun", re.DOTALL)
_COMPRESSED = re.compile(b"cmov.{4}dcom", re.DOTALL)

_SOUND_AT_ONCE = 512
"""FFmpeg hands out the samples of uncompressed sound together, at least so many of them."""


def check_sample_tables(file: SourceFile) -> None:
    """Refuse an MP4 or MOV whose index would not fit into memory.

    Raises:
        UnplayableClip: `too_much_reading`.
        BaseException: whatever the source raised, unchanged.
    """
    samples = 0
    for start, length in _outside_of_samples(file):
        if length > _MAX_TABLES:
            raise unplayable(FailureCode.TOO_MUCH_READING)
        data = b"".join(
            file.peek(at, min(BLOCK_BYTES, start + length - at))
            for at in range(start, start + length, BLOCK_BYTES)
        )
        if _COMPRESSED.search(data):  # by zlib: what it holds is not seen here
            raise unplayable(FailureCode.TOO_MUCH_READING)
        samples += sum(map(_samples, data.split(b"trak")))
    if samples > _MAX_SAMPLES:
        raise unplayable(FailureCode.TOO_MUCH_READING)


def _outside_of_samples(file: SourceFile) -> Iterator[Range]:
    """Yield the outermost boxes that may hold tables, up to the first fragment behind them."""
    position, described = 0, False
    for _ in range(_MAX_BOXES):
        box = box_at(file, position)
        if box is None or (box[0] == b"moof" and described):
            return
        kind, size = box[0], min(box[1], file.size - position)
        if kind not in _NO_TABLES or file.peek(position + 12, 4) in _IN_DISGUISE:
            yield position, size
        described = described or kind == b"moov"
        position += size
        if position >= file.size:
            return
    raise unplayable(FailureCode.TOO_MUCH_READING)


def _samples(track: bytes) -> int:
    """How many entries FFmpeg makes of a track: of what stands between two tracks."""
    if _is_plain_sound(track):
        together = max(_numbers_of_chunks(track), default=0) // _SOUND_AT_ONCE + 1
        count = sum(_numbers(_CHUNKS, track, 8)) * together
    else:
        count = sum(_numbers(_SIZES, track, 12))
    return count * max(1, sum(_numbers(_EDITS, track, 8)))


def _is_plain_sound(track: bytes) -> bool:
    """Tell uncompressed sound, each of whose samples lasts for one tick, as FFmpeg does."""
    times = [match.start() for match in _TIMES.finditer(track)]
    one_tick_each = [(1).to_bytes(4), (1).to_bytes(4)]
    return (
        [track[at + 8 : at + 12] for at in times] == one_tick_each[:1]
        and [track[at + 16 : at + 20] for at in times] == one_tick_each[1:]
        and _SOUND.search(track) is not None
        and _OTHER_THAN_SOUND.search(track) is None
    )


def _numbers(table: re.Pattern[bytes], data: bytes, at: int) -> Iterator[int]:
    """Yield the number that stands `at` bytes into each such table, from its name on."""
    for match in table.finditer(data):
        yield int.from_bytes(data[match.start() + at : match.start() + at + 4])


def _numbers_of_chunks(track: bytes) -> Iterator[int]:
    """Yield how many samples the chunks have, in each run of chunks that are alike."""
    for match in _IN_CHUNKS.finditer(track):
        entries = int.from_bytes(track[match.start() + 8 : match.start() + 12])
        first = match.start() + 16
        for at in range(first, min(first + 12 * entries, len(track)), 12):
            yield int.from_bytes(track[at : at + 4])
