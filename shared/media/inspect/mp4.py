"""MP4 and MOV: their boxes, whether they are complete, their tracks, and the size of their index.

FFmpeg's demuxer keeps some 35 bytes for each sample, and again for each part of an edit list. A
table need not hold what it declares: a file of two kilobytes can ask for gigabytes. So what lies
outside of the samples is searched for tables and their samples are counted, wherever the tables
stand: FFmpeg takes them from places where no writer puts them. Fragments are left to FFmpeg, which
holds these to the size of the file, and to the bound in `memory`.

Sources: ISO/IEC 14496-12, sections 4.2 (boxes), 8.3 to 8.7 (tracks and tables) and 8.12
(encryption); the QuickTime File Format Specification.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.media.failures import FailureCode, unplayable
from shared.media.inspect import mp4_corrections, mp4_tables
from shared.media.inspect.layout import Layout
from shared.media.reading.byte_source import Range
from shared.media.reading.corrections import Correction
from shared.media.reading.source import BLOCK_BYTES, SMALL_BLOCK_BYTES, SourceFile

_FIRST_KINDS = frozenset(
    (
        *(b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"sidx", b"moof"),
        *(b"uuid", b"udta", b"prfl", b"junk", b"pict"),  # such as old QuickTime's
    )
)
_HEADER = 8

# Far more than any file but a fragmented one has. There each header costs a round trip, which
# FFmpeg then saves as long as the blocks stay in the cache.
_MAX_BOXES = 256

# If the first three fragments are this large, hardly anything but their headers is fetched: one of
# a single frame may begin with a large one.
_FRAGMENTS_MEASURED = 3
_LARGE_FRAGMENT = 8 * SMALL_BLOCK_BYTES

# FFmpeg takes larger track numbers of a fragmented file for negative ones, and half a minute.
_LARGEST_TRACK_NUMBER = 2**31 - 1

_MAX_TABLES = 64 * 1024 * 1024
_NO_TABLES = frozenset((b"mdat", b"skip", b"uuid", b"wide", b"free"))

# FFmpeg takes a `free` box that begins with one of these for a `moov`.
_DISGUISED_INDEX = (b"mvhd", b"cmov")

# An index, as it is searched for where the boxes do not lead to it.
_INDEX = re.compile(b"moov.{4}mvhd", re.DOTALL)
_INDEX_TAIL = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    end: int


def begins_file(head: bytes) -> bool:
    """Whether a file that begins with these eight bytes or more is an MP4 or MOV."""
    return head[4:8] in _FIRST_KINDS


def read_mp4(file: SourceFile) -> Layout:
    """Returns the layout of an MP4 or MOV.

    Raises UnplayableClip: `too_much_reading` if its index would not fit into memory, `undecodable`
    for a track number that FFmpeg cannot handle.
    """
    boxes, end = _outermost_boxes(file)
    kinds = [box.kind for box in boxes]
    complete = not _is_truncated(file, boxes, end)
    still = b"meta" in kinds and b"moov" not in kinds
    tables = tables_of(file) if complete and not still else []
    mp4_tables.check_samples(tables)
    tracks = tuple(track for data in tables for track in mp4_tables.declared_tracks(data))
    if b"moof" in kinds and any(track.number > _LARGEST_TRACK_NUMBER for track in tracks):
        raise unplayable(FailureCode.UNDECODABLE)
    return Layout(
        container=_name(file, boxes),
        fast_start=_moov_comes_first(kinds),
        fragmented=b"moof" in kinds,
        truncated=not complete,
        still_picture=still,
        tracks=tracks,
        corrections=() if b"moof" in kinds else tuple(_corrections(file, tables)),
    )


def _corrections(file: SourceFile, tables: list[bytes]) -> Iterator[Correction]:
    for (start, _), data in zip(_outside_of_samples(file), tables, strict=False):
        yield from mp4_corrections.corrections_of(data, start)


def _box_at(file: SourceFile, position: int) -> _Box | None:
    """Returns the box at `position`; None where there is none.

    Its size is what the box says of itself: it may reach beyond the end of the file.
    """
    header = file.peek(position, 16)
    size, kind = int.from_bytes(header[:4]), header[4:8]
    if size == 1:
        size = int.from_bytes(header[8:16])
    elif size == 0:
        size = file.size - position
    return None if size < _HEADER else _Box(kind, position, position + size)


def _outermost_boxes(file: SourceFile) -> tuple[list[_Box], int]:
    """Returns the outermost boxes that matter (a fragmented file's up to 256), and where they end.

    They end before the file does where something follows that is no box.
    """
    boxes: list[_Box] = []
    position, fragments = 0, list[int]()
    while position < file.size and len(boxes) < _MAX_BOXES:
        box = _box_at(file, position)
        if box is None or not box.kind.isascii():
            break  # data that is no box after the last box: players ignore it too
        boxes.append(box)
        if not fragments and {b"moov", b"mdat"} <= {box.kind for box in boxes}:
            break
        if box.kind == b"moof":
            fragments.append(position)
            if len(fragments) == 1 and _ends_with_index(file):
                break
            large = position - fragments[0] > _FRAGMENTS_MEASURED * _LARGE_FRAGMENT
            if len(fragments) == _FRAGMENTS_MEASURED and large:
                file.use_blocks_of(SMALL_BLOCK_BYTES)
        position = box.end
    return boxes, position


def _is_truncated(file: SourceFile, boxes: list[_Box], end: int) -> bool:
    """Whether the end of the file is missing, as far as the outermost boxes can say."""
    last = boxes[-1] if boxes else None
    overrun = last is not None and last.end > file.size
    kinds = {box.kind for box in boxes}
    if b"moov" in kinds:
        # In an unfragmented file the sample index knows better than the size of `mdat`.
        return overrun and (b"moof" in kinds or boxes[-1].kind == b"moov")
    if len(boxes) == _MAX_BOXES:
        return False
    if end + 2 * _HEADER <= file.size:
        return False  # a damaged box is where the walk ended: nothing need be missing
    return not (last is not None and last.end >= file.size and _holds_index(file, last))


def _holds_index(file: SourceFile, box: _Box) -> bool:
    """Whether the last box claims too much and covers the index: then nothing is missing."""
    head = file.peek(box.start, BLOCK_BYTES)
    return bool(_INDEX.search(head) or _INDEX.search(file.peek_end(_INDEX_TAIL)))


def _ends_with_index(file: SourceFile) -> bool:
    """Whether a fragmented file ends with its `mfro` box, so that nothing can be missing."""
    return file.peek(max(0, file.size - 16), 16)[4:8] == b"mfro"


def _moov_comes_first(kinds: list[bytes]) -> bool:
    if b"moov" not in kinds:
        return False
    return b"mdat" not in kinds or kinds.index(b"moov") < kinds.index(b"mdat")


def _name(file: SourceFile, boxes: list[_Box]) -> str:
    """Returns the member of the family by the major brand; old QuickTime files have none."""
    if not boxes or boxes[0].kind != b"ftyp":
        return "mov"
    brand = file.peek(8, 4)
    if brand == b"qt  ":
        return "mov"
    if brand in (b"M4A ", b"M4B "):
        return "m4a"
    return {b"3gp": "3gp", b"3g2": "3g2", b"mj2": "mj2"}.get(brand[:3], "mp4")


def tables_of(file: SourceFile) -> list[bytes]:
    """Returns the contents of all boxes that may hold tables.

    Raises UnplayableClip (`too_much_reading`) where there is too much of them.
    """
    found = []
    for start, length in _outside_of_samples(file):
        if length > _MAX_TABLES:
            raise unplayable(FailureCode.TOO_MUCH_READING)
        found.append(
            b"".join(
                file.peek(at, min(BLOCK_BYTES, start + length - at))
                for at in range(start, start + length, BLOCK_BYTES)
            )
        )
    return found


def _outside_of_samples(file: SourceFile) -> Iterator[Range]:
    """Yields the outermost boxes that may hold tables, up to the first fragment behind them."""
    position, described = 0, False
    for _ in range(_MAX_BOXES):
        box = _box_at(file, position)
        if box is None or (box.kind == b"moof" and described):
            return
        size = min(box.end, file.size) - position
        if box.kind not in _NO_TABLES or file.peek(position + 12, 4) in _DISGUISED_INDEX:
            yield position, size
        described = described or box.kind == b"moov"
        position += size
        if position >= file.size:
            return
    raise unplayable(FailureCode.TOO_MUCH_READING)
