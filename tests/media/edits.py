"""Writes edit lists of MP4 and MOV into films with other lists or none."""

import struct
from dataclasses import dataclass

TICKS = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """What is shown for so many seconds: from `begin` (in seconds) on, or nothing (None).

    `stands` if it is one picture all the time.
    """

    seconds: float
    begin: float | None
    stands: bool = False


def with_edits(data: bytes, *parts: Part) -> bytes:
    """Returns a film of one track, whose `moov` is at its end, with this edit list."""
    before = data.find(b"edts")
    if before >= 0:
        size = int.from_bytes(data[before - 4 : before])
        data = _resized(data, before, -size)
        data = data[: before - 4] + data[before - 4 + size :]
    header = data.index(b"tkhd") - 4
    at = header + int.from_bytes(data[header : header + 4])
    media = data.index(b"mdhd")
    scale = int.from_bytes(data[media + 16 : media + 20])
    edits = _edits(parts, scale)
    data = _resized(data, at, len(edits))
    return data[:at] + edits + data[at:]


def _edits(parts: tuple[Part, ...], scale: int) -> bytes:
    table = b"elst" + struct.pack(">2I", 0, len(parts))
    for part in parts:
        begin = -1 if part.begin is None else round(part.begin * scale)
        table += struct.pack(">Ii2H", round(part.seconds * TICKS), begin, not part.stands, 0)
    return struct.pack(">I", len(table) + 12) + b"edts" + struct.pack(">I", len(table) + 4) + table


def _resized(data: bytes, at: int, change: int) -> bytes:
    """Returns the film with the size of `moov` and of its track changed."""
    changed = bytearray(data)
    for parent in (b"moov", b"trak"):
        size_at = changed.rindex(parent, 0, at) - 4
        size = int.from_bytes(changed[size_at : size_at + 4]) + change
        changed[size_at : size_at + 4] = size.to_bytes(4)
    return bytes(changed)
