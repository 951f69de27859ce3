"""What this package reads from, and how much of it one file may cost."""

from dataclasses import dataclass
from typing import Protocol

# Offset and length in bytes.
type Range = tuple[int, int]


class ByteSource(Protocol):
    """One version of a blob, read by ranges, several of them at once from several threads."""

    @property
    def size(self) -> int:
        """Length of the whole in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Returns exactly `length` bytes from `offset`, fewer only at the end of the blob.

        Raises CliplinkError when the blob changed or storage does not answer; callers get it
        unchanged.
        """


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may cost.

    `max_bytes` bounds what is read from the source, `max_seconds` the time from opening,
    `max_pixels` the coded picture (the default is 8K DCI rounded up to whole coding blocks).
    """

    max_bytes: int = 128 * 1024 * 1024
    max_seconds: float = 60.0
    max_pixels: int = 8192 * 4352
