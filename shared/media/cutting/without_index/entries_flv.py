"""Tags of an FLV without a list of keyframes.

Source: Adobe's "Video File Format Specification" version 10, annex E.
"""

from dataclasses import dataclass

from shared.media.cutting.without_index.entries_scan import ScannedEntries
from shared.media.cutting.without_index.stretches import Entry
from shared.media.reading.byte_source import ByteSource
from shared.media.reading.entry_points import (
    PICTURE_TAG,
    SOUND_TAG,
    TAG_HEAD,
    TAG_START,
    flv_head,
)


@dataclass(frozen=True, slots=True)
class Tags(ScannedEntries):
    """Tags with a picture, or with sound where there is none; each repeats its size behind it."""

    kind: int
    pattern = TAG_START
    piece = 32 * 1024

    @classmethod
    def of(cls, source: ByteSource, head: bytes) -> "Tags | None":
        if b"filepositions" in head:
            return None
        tracks = flv_head(head)
        kind = PICTURE_TAG if head[4] & 1 else SOUND_TAG
        return cls(source, tracks, len(tracks), kind)

    def read_entry(self, place: int) -> Entry | None:
        header = self.source.read(place, TAG_HEAD)
        size = int.from_bytes(header[1:4])
        behind = place + TAG_HEAD + size
        if len(header) < TAG_HEAD or header[0] != self.kind or not size:
            return None
        if int.from_bytes(self.source.read(behind, 4)) != TAG_HEAD + size:
            return None
        milliseconds = int.from_bytes(header[7:8] + header[4:7])
        return Entry(place, milliseconds / 1000, None)
