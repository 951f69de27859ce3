"""How long a Matroska or WebM recording is that does not say so: a browser's, for example.

A recorder that cannot seek back leaves length and index out. The last cluster tells both when it
begins and when its blocks are shown, so the end of the file is enough.

Source: RFC 9559 (Matroska): Cluster and Timestamp, section 5.1.3; blocks, section 10.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.media.reading.source import SourceFile

_TAIL_BYTES = (256 * 1024, 4 * 1024 * 1024)
"""How much of the end is looked at: a cluster of a browser is small, one of 5 s of film is not."""

_HEAD_BYTES = 4096
_TIMESTAMP_SCALE = bytes.fromhex("2ad7b1")
_NANOSECONDS = 1_000_000
"""The scale when the file has none: one tick is a millisecond."""

_CLUSTER = 0x1F43B675
_TIMESTAMP, _SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
_INTEGER_BYTES = 8
_TIMED = frozenset((_SIMPLE_BLOCK, _BLOCK))


@dataclass(frozen=True, slots=True)
class _Element:
    kind: int
    body: int
    end: int | None


def last_block_seconds(file: SourceFile) -> float | None:
    """Return when the last block of the file is shown, in seconds; None if it cannot be found."""
    for length in _TAIL_BYTES:
        tail = file.peek_end(length)
        ticks = _last_block_ticks(tail)
        if ticks is not None:
            return ticks * _scale(file.peek(0, _HEAD_BYTES)) / 1e9
        if length >= file.size:
            break
    return None


def _last_block_ticks(tail: bytes) -> int | None:
    """Return the latest time in the last cluster that `tail` has the beginning of."""
    at = tail.rfind(_CLUSTER.to_bytes(4))
    while at >= 0:
        times = list(_block_times(tail, at))
        if times:
            return max(times)
        at = tail.rfind(_CLUSTER.to_bytes(4), 0, at)  # four bytes of picture that look like one
    return None


def _block_times(data: bytes, at: int) -> Iterator[int]:
    cluster = _element(data, at)
    if cluster is None:
        return
    begin, at = None, cluster.body
    while (element := _element(data, at)) is not None and element.kind != _CLUSTER:
        if element.kind == _TIMESTAMP and element.end is not None:
            begin = _unsigned(data[element.body : element.end])
        elif element.kind in _TIMED and begin is not None:
            relative = _relative_time(data, element.body)
            if relative is not None:
                yield begin + relative
        if element.kind == _BLOCK_GROUP:
            at = element.body  # its block is the first of its children
        elif element.end is None:
            return
        else:
            at = element.end


def _relative_time(data: bytes, body: int) -> int | None:
    """Return the time of a block after its cluster's: behind the track number, which has a size."""
    if body >= len(data) or data[body] == 0:
        return None
    at = body + 9 - data[body].bit_length()
    return int.from_bytes(data[at : at + 2], signed=True) if at + 2 <= len(data) else None


def _element(data: bytes, at: int) -> _Element | None:
    """Return the element at `at`, with `end` None for one of unknown size; None past the data."""
    if at >= len(data) or data[at] == 0:
        return None
    size_at = at + 9 - data[at].bit_length()
    if size_at >= len(data) or data[size_at] == 0:
        return None
    body = size_at + 9 - data[size_at].bit_length()
    width = body - size_at
    unknown = (1 << (7 * width)) - 1
    size = int.from_bytes(data[size_at:body]) & unknown
    return _Element(
        int.from_bytes(data[at:size_at]), body, None if size == unknown else body + size
    )


def _scale(head: bytes) -> int:
    """Return how many nanoseconds a tick is."""
    at = head.find(_TIMESTAMP_SCALE)
    element = _element(head, at) if at >= 0 else None
    if element is None or element.end is None:
        return _NANOSECONDS
    return _unsigned(head[element.body : element.end]) or _NANOSECONDS


def _unsigned(data: bytes) -> int | None:
    """Return an integer; None for more than the eight bytes allowed, which is damage."""
    return int.from_bytes(data) if len(data) <= _INTEGER_BYTES else None
