"""Tags of an FLV without a list of keyframes.

Source: Adobe's "Video File Format Specification" version 10, annex E.
"""

import re
from dataclasses import dataclass

from shared.media.cutting.entries_scan import ScannedEntries
from shared.media.cutting.stretches import Entry
from shared.media.reading.source import ByteSource

_FILE_HEAD, _TAG_HEAD = 13, 11
_SOUND, _PICTURE, _DATA = 8, 9, 18
_AAC, _AVC = 10, 7


@dataclass(frozen=True, slots=True)
class Tags(ScannedEntries):
    """Tags with a picture, or with sound where there is none; each repeats its size behind it."""

    kind: int
    pattern = re.compile(rb"[\x08\x09\x12].{3}.{4}\x00\x00\x00", re.DOTALL)
    piece = 32 * 1024

    @classmethod
    def of(cls, source: ByteSource, head: bytes) -> "Tags | None":
        if b"filepositions" in head:
            return None
        at = _FILE_HEAD
        while at + _TAG_HEAD + 2 < len(head) and _describes_track(head[at:]):
            at += _TAG_HEAD + 4 + int.from_bytes(head[at + 1 : at + 4])
        return cls(source, head[:at], at, _PICTURE if head[4] & 1 else _SOUND)

    def read_entry(self, place: int) -> Entry | None:
        header = self.source.read(place, _TAG_HEAD)
        size = int.from_bytes(header[1:4])
        behind = place + _TAG_HEAD + size
        if len(header) < _TAG_HEAD or header[0] != self.kind or not size:
            return None
        if int.from_bytes(self.source.read(behind, 4)) != _TAG_HEAD + size:
            return None
        milliseconds = int.from_bytes(header[7:8] + header[4:7])
        return Entry(place, milliseconds / 1000, None)


def _describes_track(tag: bytes) -> bool:
    """Whether a tag holds data or the settings of a decoder, not sound or picture."""
    kind, first, second = tag[0], tag[_TAG_HEAD], tag[_TAG_HEAD + 1]
    if kind == _SOUND:
        return first >> 4 == _AAC and second == 0
    if kind == _PICTURE:
        is_extended = first & 0x80 != 0
        return first & 0x0F == 0 if is_extended else first & 0x0F == _AVC and second == 0
    return kind == _DATA
