"""Matroska and WebM: whether the file is complete, its tracks, and when its last block is shown.

A recorder that cannot seek back (a browser's, for example) leaves length and index out. The last
cluster has the time at which it begins and that of each of its blocks, so the end is enough.

Sources: RFC 8794 (EBML); RFC 9559 (Matroska): Cluster and Timestamp, section 5.1.3; tracks and
their encryption, section 5.1.4; blocks, section 10.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from shared.media.inspect.layout import DeclaredTrack, Layout, TrackKind
from shared.media.reading.source import BLOCK_BYTES, SourceFile

EBML_MAGIC = bytes.fromhex("1a45dfa3")

_DOCTYPE, _SEGMENT, _INFO, _TRACKS, _CLUSTER = (
    0x4282,
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0x1F43B675,
)
_TIMESTAMP_SCALE = 0x2AD7B1
_TRACK, _TRACK_NUMBER, _TRACK_TYPE = 0xAE, 0xD7, 0x83
_ENCODINGS, _ENCODING, _ENCRYPTION = 0x6D80, 0x6240, 0x5035
_TIMESTAMP, _SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
_KINDS = {1: TrackKind.PICTURE, 2: TrackKind.SOUND}

# Bytes: not even the first two elements fit into less.
_SMALLEST = 12

# An element's name has at most four bytes, its size and any integer at most eight.
_HEADER_BYTES, _INTEGER_BYTES = 12, 8

# More elements than any file has before its first cluster.
_MAX_ELEMENTS = 64

# How much of the end is read: a cluster of a browser is small, one of 5 s of film is not.
_TAIL_BYTES = (256 * 1024, 4 * 1024 * 1024)

# Nanoseconds of a tick where the file does not say: a tick is a millisecond then.
_USUAL_SCALE = 1_000_000


@dataclass(frozen=True, slots=True)
class _Element:
    """An EBML element: where its body lies; `end` is None for one of unknown size."""

    kind: int
    body: int
    end: int | None


def read_matroska(file: SourceFile) -> Layout:
    """Returns the layout of a file that begins with `EBML_MAGIC`."""
    head = file.peek(0, 4096)
    header = _element(head, 0)
    doctype = head.find(_DOCTYPE.to_bytes(2))
    webm = doctype > 0 and head[doctype + 3 : doctype + 7] == b"webm"
    truncated = file.size < _SMALLEST
    if header is not None and header.end is not None:
        segment = _element(head, header.end)
        truncated = file.size <= header.end + _SMALLEST or (
            segment is not None
            and segment.kind == _SEGMENT
            and segment.end is not None
            and segment.end > file.size
        )
    return Layout(
        container="webm" if webm else "matroska",
        truncated=truncated,
        tracks=() if truncated else tuple(_declared_tracks(file)),
    )


def last_block_seconds(file: SourceFile, tracks: Collection[int] = ()) -> float | None:
    """Returns when the last block of the file is shown, in seconds; None if it cannot be found.

    Only blocks of the tracks with these numbers count; all do if none is given.
    """
    for length in _TAIL_BYTES:
        ticks = _last_block_ticks(file.peek_end(length), tracks)
        if ticks is not None:
            return ticks * _scale(file) / 1e9
        if length >= file.size:
            break
    return None


def _last_block_ticks(tail: bytes, tracks: Collection[int]) -> int | None:
    """Returns the latest time in the last cluster that `tail` has the beginning of."""
    at = tail.rfind(_CLUSTER.to_bytes(4))
    while at >= 0:
        times = [ticks for ticks, track in _blocks(tail, at) if not tracks or track in tracks]
        if times:
            return max(times)
        at = tail.rfind(_CLUSTER.to_bytes(4), 0, at)  # four bytes of picture that look like one
    return None


def _blocks(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yields time and track number of each block of the cluster at `at`."""
    cluster = _element(data, at)
    if cluster is None:
        return
    begin, at = None, cluster.body
    while (element := _element(data, at)) is not None and element.kind != _CLUSTER:
        if element.kind == _TIMESTAMP and element.end is not None:
            begin = _unsigned(data[element.body : element.end])
        elif element.kind in (_SIMPLE_BLOCK, _BLOCK) and begin is not None:
            track, behind = _size(data, element.body)
            if track is not None and behind + 2 <= len(data):
                yield begin + int.from_bytes(data[behind : behind + 2], signed=True), track
        if element.kind == _BLOCK_GROUP:
            at = element.body  # its block is the first of its children
        elif element.end is None:
            return
        else:
            at = element.end


def _declared_tracks(file: SourceFile) -> Iterator[DeclaredTrack]:
    data = _body_before_clusters(file, _TRACKS)
    for track in _children(data, 0, len(data)):
        if track.kind != _TRACK or track.end is None:
            continue
        parts = {part.kind: part for part in _children(data, track.body, track.end)}
        yield DeclaredTrack(
            number=_integer(data, parts.get(_TRACK_NUMBER)) or 0,
            kind=_KINDS.get(_integer(data, parts.get(_TRACK_TYPE)) or 0, TrackKind.OTHER),
            encrypted=_ENCODINGS in parts and _is_encrypted(data, parts[_ENCODINGS]),
        )


def _is_encrypted(data: bytes, encodings: _Element) -> bool:
    """Whether an encoding is encryption; compression is an encoding too."""
    return any(
        part.kind == _ENCRYPTION
        for encoding in _children(data, encodings.body, encodings.end or len(data))
        if encoding.kind == _ENCODING
        for part in _children(data, encoding.body, encoding.end or len(data))
    )


def _scale(file: SourceFile) -> int:
    """Returns how many nanoseconds a tick is."""
    data = _body_before_clusters(file, _INFO)
    for part in _children(data, 0, len(data)):
        if part.kind == _TIMESTAMP_SCALE:
            return _integer(data, part) or _USUAL_SCALE
    return _USUAL_SCALE


def _body_before_clusters(file: SourceFile, kind: int) -> bytes:
    """Returns the body of an element of the segment, at most a block of it; empty if not found."""
    position = 0
    for _ in range(_MAX_ELEMENTS):
        element = _element(file.peek(position, _HEADER_BYTES), 0)
        if element is None or element.kind == _CLUSTER:
            break
        body = position + element.body
        if element.kind == _SEGMENT:
            position = body
        elif element.end is None:
            break
        elif element.kind == kind:
            return file.peek(body, min(BLOCK_BYTES, element.end - element.body))
        else:
            position += element.end
    return b""


def _children(data: bytes, start: int, end: int) -> Iterator[_Element]:
    """Yields the elements that stand one after another in this part of `data`."""
    while start < end and (element := _element(data, start)) is not None:
        yield element
        if element.end is None:
            return
        start = element.end


def _element(data: bytes, at: int) -> _Element | None:
    """Returns the element at `at`; None past the data."""
    if at >= len(data) or data[at] == 0:
        return None
    size_at = at + 9 - data[at].bit_length()
    if size_at >= len(data) or data[size_at] == 0:
        return None
    size, body = _size(data, size_at)
    return _Element(int.from_bytes(data[at:size_at]), body, None if size is None else body + size)


def _size(data: bytes, at: int) -> tuple[int | None, int]:
    """Returns a number of variable length, and where it ends.

    The number is None for "unknown", as live recordings say, and past the data.
    """
    if at >= len(data) or data[at] == 0:
        return None, at
    width = 9 - data[at].bit_length()
    unknown = (1 << (7 * width)) - 1
    value = int.from_bytes(data[at : at + width]) & unknown
    return (None if value == unknown else value), at + width


def _integer(data: bytes, element: _Element | None) -> int | None:
    return None if element is None else _unsigned(data[element.body : element.end])


def _unsigned(data: bytes) -> int | None:
    """Returns an integer; None for more than the eight bytes allowed, which is damage."""
    return int.from_bytes(data) if len(data) <= _INTEGER_BYTES else None
