"""Bytes of a file that are obviously wrong, and what is read in their place."""

from collections.abc import Iterable

# An offset, and the bytes to be read from there in place of those of the file.
type Correction = tuple[int, bytes]


def corrected(data: bytes, offset: int, corrections: Iterable[Correction]) -> bytes:
    """Returns `data`, which begins at `offset` of a file, with what is corrected in it."""
    for at, right in corrections:
        start, end = max(at, offset), min(at + len(right), offset + len(data))
        if start < end:
            part = right[start - at : end - at]
            data = data[: start - offset] + part + data[end - offset :]
    return data
