"""Boxes of MP4 and MOV: what they are made of (ISO/IEC 14496-12, section 4.2)."""

from shared.media.reading.source import SourceFile

_HEADER = 8


def box_at(file: SourceFile, position: int) -> tuple[bytes, int] | None:
    """Return kind and size in bytes of a box; None where there is none.

    The size is what the box says of itself: it may reach beyond the end of the file.
    """
    header = file.peek(position, 16)
    size, kind = int.from_bytes(header[:4]), header[4:8]
    if size == 1:
        size = int.from_bytes(header[8:16])
    elif size == 0:
        size = file.size - position
    return None if size < _HEADER else (kind, size)
