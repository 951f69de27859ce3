"""What the outermost bytes of a file say, before FFmpeg is asked anything.

Three things FFmpeg does not tell: which of a family of formats this is (MP4 or MOV, WebM or
Matroska), whether an MP4 plays before it is complete, and whether the file ends before its own
headers say it should. Reads a few headers; knows nothing of tracks or codecs.

Sources: ISO/IEC 14496-12 section 4.2 (boxes), RFC 8794 (EBML), RFC 9559 (Matroska), the
RIFF section of Microsoft's "Multimedia Programming Interface".
"""

from dataclasses import dataclass

from shared.media.inspect.boxes import box_at
from shared.media.reading.source import SMALL_BLOCK_BYTES, SourceFile

_BOXES_THAT_BEGIN_A_FILE = frozenset(
    (
        *(b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"sidx", b"moof"),
        *(b"uuid", b"udta", b"prfl", b"junk", b"pict"),  # such as old QuickTime's
    )
)
_MAX_BOXES = 256
"""Far more than any file but a fragmented one has. There each header costs a round trip, which
FFmpeg then saves as long as the blocks stay in the cache."""

_EBML_MAGIC = bytes.fromhex("1a45dfa3")
_EBML_DOCTYPE = bytes.fromhex("4282")
_MATROSKA_SEGMENT = bytes.fromhex("18538067")
_LARGE_FRAGMENT = 8 * SMALL_BLOCK_BYTES
_TELLING = 3
"""If the first three fragments are this large, hardly anything but their headers is fetched: one of
a single frame may begin with a large one."""

_SMALLEST_MATROSKA = 12
"""Bytes: not even the first two elements fit into less."""

_RIFF_UNKNOWN_SIZE = 0xFFFF_F000
"""Recorders that cannot seek back leave a size at or near the largest there is."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The outermost structure.

    `container` is FFmpeg's short name where the first bytes decide it, else None;
    `fast_start` is None for all but MP4 and MOV; `fragmented` speaks of these too.
    """

    container: str | None = None
    fast_start: bool | None = None
    fragmented: bool = False
    truncated: bool = False
    still_picture: bool = False

    @property
    def is_mp4(self) -> bool:
        """Whether this is an MP4 or MOV, whose index has the place and size of each sample."""
        return self.fast_start is not None


def read_layout(file: SourceFile) -> Layout:
    """Read the outermost headers of `file`; an unknown format gives an empty Layout."""
    head = file.peek(0, 16)
    if head[4:8] in _BOXES_THAT_BEGIN_A_FILE:
        return _mp4(file)
    if head.startswith(_EBML_MAGIC):
        return _matroska(file)
    if head.startswith(b"RIFF") and head[8:12] in (b"AVI ", b"WAVE"):
        return _riff(file, head)
    return Layout()


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    end: int


def _mp4(file: SourceFile) -> Layout:
    boxes = _walk(file)
    kinds = [box.kind for box in boxes]
    fragmented = b"moof" in kinds
    last = boxes[-1]
    overrun = last.end > file.size
    if b"moov" in kinds:
        # In an unfragmented file the sample index knows better than the size of `mdat`.
        truncated = overrun and (fragmented or last.kind == b"moov")
    else:
        truncated = len(boxes) < _MAX_BOXES
    return Layout(
        container=_mp4_name(file, boxes[0]),
        fast_start=_moov_comes_first(kinds),
        fragmented=fragmented,
        truncated=truncated,
        still_picture=b"meta" in kinds and b"moov" not in kinds,
    )


def _walk(file: SourceFile) -> list[_Box]:
    """Return the outermost boxes, as far as they matter: a fragmented file's up to 256."""
    boxes: list[_Box] = []
    position, fragments = 0, list[int]()
    while position < file.size and len(boxes) < _MAX_BOXES:
        box = box_at(file, position)
        if box is None or not box[0].isascii():
            break  # rubbish behind the last box: players do not mind either
        kind, size = box
        boxes.append(_Box(kind, position, position + size))
        if not fragments and {b"moov", b"mdat"} <= {box.kind for box in boxes}:
            break
        if kind == b"moof":
            fragments.append(position)
            if len(fragments) == 1 and _ends_with_index(file):
                break
            if len(fragments) == _TELLING and position - fragments[0] > _TELLING * _LARGE_FRAGMENT:
                file.use_blocks_of(SMALL_BLOCK_BYTES)
        position += size
    return boxes or [_Box(b"", 0, file.size)]


def _ends_with_index(file: SourceFile) -> bool:
    """Tell whether a fragmented file ends with its `mfro` box, so that nothing can be missing."""
    return file.peek(max(0, file.size - 16), 16)[4:8] == b"mfro"


def _moov_comes_first(kinds: list[bytes]) -> bool:
    if b"moov" not in kinds:
        return False
    return b"mdat" not in kinds or kinds.index(b"moov") < kinds.index(b"mdat")


def _mp4_name(file: SourceFile, first: _Box) -> str:
    """Tell the members of the family apart by the major brand; QuickTime once had none."""
    if first.kind != b"ftyp":
        return "mov"
    brand = file.peek(8, 4)
    if brand == b"qt  ":
        return "mov"
    if brand in (b"M4A ", b"M4B "):
        return "m4a"
    return {b"3gp": "3gp", b"3g2": "3g2", b"mj2": "mj2"}.get(brand[:3], "mp4")


def _matroska(file: SourceFile) -> Layout:
    head = file.peek(0, 4096)
    at = head.find(_EBML_DOCTYPE)
    webm = at > 0 and head[at + 3 : at + 7] == b"webm"
    return Layout(
        container="webm" if webm else "matroska",
        truncated=_segment_overruns(head, file.size),
    )


def _segment_overruns(head: bytes, file_size: int) -> bool:
    header_size, width = _ebml_size(head, 4)
    if header_size is None:
        return file_size < _SMALLEST_MATROSKA
    at = 4 + width + header_size
    if file_size <= at + 12:
        return True
    if head[at : at + 4] != _MATROSKA_SEGMENT:
        return False
    size, width = _ebml_size(head, at + 4)
    return size is not None and at + 4 + width + size > file_size


def _ebml_size(data: bytes, at: int) -> tuple[int | None, int]:
    """Return a size and the bytes it is written in; None for "unknown", as live recordings say."""
    if at >= len(data) or data[at] == 0:
        return None, 0
    width = 9 - data[at].bit_length()
    mask = (1 << (7 * width)) - 1
    value = int.from_bytes(data[at : at + width]) & mask
    return (None if value == mask else value), width


def _riff(file: SourceFile, head: bytes) -> Layout:
    declared = int.from_bytes(head[4:8], "little")
    known = 0 < declared < _RIFF_UNKNOWN_SIZE
    return Layout(
        container="avi" if head[8:12] == b"AVI " else "wav",
        # Some writers count a padding byte that they do not write.
        truncated=known and declared + 8 > file.size + 1,
    )
