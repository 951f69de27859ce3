"""Boxes of an MP4 or MOV in memory: reads and writes them.

Source: ISO/IEC 14496-12, sections 4.2 (boxes) and 8 (their contents). Pure.
"""

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

# Side by side. A box may have 8 bytes, and takes some 600 in memory.
_MOST_BOXES = 10_000
_HEADER = 8
_LARGE_HEADER = 16


class MalformedIndex(Exception):
    """The boxes contradict each other or end too early."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its kind, its contents, and the whole of it as stored."""

    kind: bytes
    body: memoryview
    whole: memoryview

    def children(self, skip: int = 0) -> list["Box"]:
        """The boxes inside, behind the first `skip` bytes of the contents."""
        return list(boxes_in(self.body[skip:]))

    def child(self, *path: bytes) -> "Box":
        """The first box at a path below; raises MalformedIndex where there is none."""
        found: Box = self
        for kind in path:
            inside = found.optional(kind)
            if inside is None:
                raise MalformedIndex(f"no {kind!r} in {found.kind!r}")
            found = inside
        return found

    def optional(self, kind: bytes) -> "Box | None":
        return next((box for box in self.children() if box.kind == kind), None)

    @property
    def version(self) -> int:
        return self.uint(0, 1)

    def uint(self, at: int, size: int) -> int:
        """An unsigned number of `size` bytes; raises MalformedIndex beyond the end."""
        if at + size > len(self.body):
            raise MalformedIndex(f"{self.kind!r} is too short")
        return int.from_bytes(self.body[at : at + size])

    def numbers(self, at: int, count: int, code: str = "I") -> array[int]:
        """`count` big-endian numbers of the array type `code`."""
        values = array(code)
        end = at + count * values.itemsize
        if end > len(self.body):
            raise MalformedIndex(f"{self.kind!r} is too short")
        values.frombytes(self.body[at:end])
        return swapped(values)


def boxes_in(data: memoryview) -> Iterator[Box]:
    """The boxes that follow each other in `data`; raises MalformedIndex for far too many."""
    at = 0
    for number in count():
        if at + _HEADER > len(data):
            return
        if number == _MOST_BOXES:
            raise MalformedIndex("there are too many boxes")
        size, kind = int.from_bytes(data[at : at + 4]), bytes(data[at + 4 : at + 8])
        header = _HEADER
        if size == 1:
            size, header = int.from_bytes(data[at + 8 : at + 16]), _LARGE_HEADER
        elif size == 0:
            size = len(data) - at
        if size < header or at + size > len(data):
            return  # padding or damage behind the last box
        yield Box(kind, data[at + header : at + size], data[at : at + size])
        at += size


def swapped(values: array[int]) -> array[int]:
    """The numbers with their bytes turned where the machine is little-endian; in place."""
    if sys.byteorder == "little":
        values.byteswap()
    return values


def box(kind: bytes, *parts: bytes | memoryview) -> bytes:
    """A box of these contents."""
    size = _HEADER + sum(map(len, parts))
    return b"".join((struct.pack(">I4s", size, kind), *parts))


def full_box(kind: bytes, version: int, flags: int, *parts: bytes | memoryview) -> bytes:
    """A box whose contents begin with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def patched(whole: memoryview, changes: dict[int, bytes]) -> bytes:
    """A copy of a box with other bytes at some offsets."""
    data = bytearray(whole)
    for at, value in changes.items():
        data[at : at + len(value)] = value
    return bytes(data)
