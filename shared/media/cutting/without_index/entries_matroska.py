"""Clusters of a Matroska file without cues.

Source: RFC 9559, sections 5.1.1 (SeekHead), 5.1.2 (Info) and 5.1.3 (Cluster).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.media.cutting.by_index.mp4_boxes import MalformedIndex
from shared.media.cutting.without_index.entries_scan import LARGEST_HEAD, ScannedEntries
from shared.media.cutting.without_index.stretches import Entry
from shared.media.reading.byte_source import ByteSource
from shared.media.reading.entry_points import CLUSTER, CLUSTER_START

# What is read of a cluster: its time comes first.
_CLUSTER_HEAD = 64
_SEGMENT, _SEEK_HEAD, _INFO, _TRACKS, _CUES = (
    bytes.fromhex(name) for name in ("18538067", "114d9b74", "1549a966", "1654ae6b", "1c53bb6b")
)
_SCALE = bytes.fromhex("2ad7b1")
_USUAL_SCALE = 1_000_000
_LONGEST_INTEGER = 8  # bytes: RFC 8794, section 7.2
_SIZE_UNKNOWN = bytes.fromhex("01ffffffffffffff")
_TIMESTAMP, _CHECK_SUM, _VOID = b"\xe7", b"\xbf", b"\xec"


@dataclass(frozen=True, slots=True)
class Clusters(ScannedEntries):
    """Clusters; `scale` is how many nanoseconds a tick is."""

    scale: int
    pattern = CLUSTER_START

    @classmethod
    def of(cls, source: ByteSource, head: bytes) -> "Clusters | None":
        first = cls.pattern.search(head)
        if first is None:
            head = source.read(0, LARGEST_HEAD)
            first = cls.pattern.search(head)
        segment = head.find(_SEGMENT)
        if first is None or segment < 0:
            return None
        before = head[segment + 4 : first.start()]
        body = segment + 4 + _number(before, 0)[1]
        kept, scale = b"", _USUAL_SCALE
        for kind, begin, end in _elements(head, body, first.start()):
            data = head[begin:end]
            if kind == _CUES or (kind == _SEEK_HEAD and _CUES in data):
                return None
            if kind in {_INFO, _TRACKS}:
                kept += data
            if kind == _INFO:
                scale = _scale(data) or _USUAL_SCALE
        new_head = head[:segment] + _SEGMENT + _SIZE_UNKNOWN + kept
        return cls(source, new_head, first.start(), scale)

    def read_entry(self, place: int) -> Entry | None:
        header = self.source.read(place, _CLUSTER_HEAD)
        if not header.startswith(CLUSTER):
            return None
        size, width = _number(header, 4)
        body = 4 + width
        for kind, begin, end in _elements(header, body, len(header)):
            if kind == _TIMESTAMP:
                value = header[begin + 1 + _number(header, begin + 1)[1] : end]
                time = _integer(value) * self.scale / 1e9
                return Entry(place, time, None if size is None else place + body + size)
            if kind not in {_CHECK_SUM, _VOID}:
                break
        return None


def _scale(info: bytes) -> int:
    """How many nanoseconds a tick is; 0 where that is not said."""
    for name, begin, end in _elements(info, 4 + _number(info, 4)[1], len(info)):
        if name == _SCALE:
            return _integer(info[begin + 3 + _number(info, begin + 3)[1] : end])
    return 0


def _integer(data: bytes) -> int:
    if len(data) > _LONGEST_INTEGER:
        raise MalformedIndex("an integer is too long")
    return int.from_bytes(data)


def _number(data: bytes, at: int) -> tuple[int | None, int]:
    """A number of variable length, None for "unknown", and how many bytes it has."""
    if at >= len(data) or not data[at]:
        raise MalformedIndex("a number is missing")
    width = 9 - data[at].bit_length()
    unknown = (1 << 7 * width) - 1
    value = int.from_bytes(data[at : at + width]) & unknown
    return None if value == unknown else value, width


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and end of the elements that follow each other in a part of `data`."""
    while at < end and data[at]:
        name = 9 - data[at].bit_length()
        size, width = _number(data, at + name)
        until = end if size is None else at + name + width + size
        yield data[at : at + name], at, until
        at = until
