"""Bytes of a file that are obviously wrong, and what is read in their place."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.media.reading.byte_source import ByteSource

# An offset, and the bytes to be read from there in place of those of the file.
type Correction = tuple[int, bytes]


def corrected(data: bytes, offset: int, corrections: Iterable[Correction]) -> bytes:
    """Returns `data`, which begins at `offset` of a file, with what is corrected in it."""
    behind = offset + len(data)
    inside = [(at, right) for at, right in corrections if at < behind and at + len(right) > offset]
    if not inside:
        return data
    changed = bytearray(data)  # one copy: a hostile file has thousands to correct
    for at, right in inside:
        start, end = max(at, offset), min(at + len(right), behind)
        changed[start - offset : end - offset] = right[start - at : end - at]
    return bytes(changed)


@dataclass(frozen=True, slots=True)
class CorrectedSource:
    """A source that gives these bytes in place of those of the file."""

    source: ByteSource
    corrections: tuple[Correction, ...]

    @property
    def size(self) -> int:
        """Length of the whole in bytes."""
        return self.source.size

    def read(self, offset: int, length: int) -> bytes:
        """Returns a range, corrected."""
        return corrected(self.source.read(offset, length), offset, self.corrections)
