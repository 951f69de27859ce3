"""Entries of a film that are recognised by their first bytes, from any position on."""

import re
from dataclasses import dataclass
from typing import ClassVar

from shared.media.cutting.by_index.mp4_boxes import MalformedIndex
from shared.media.cutting.without_index.stretches import Entry, Front
from shared.media.reading.byte_source import ByteSource

# Two neighbouring pieces overlap by this much, so that no place is missed between them.
_OVERLAP = 64
LARGEST_HEAD = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ScannedEntries:
    """Entries that are found by how they begin: by `pattern`, in pieces of so many bytes.

    `head` is what a demuxer has to see in front of any of them.
    """

    source: ByteSource
    head: bytes
    first: int
    pattern: ClassVar[re.Pattern[bytes]]
    piece: ClassVar[int] = 128 * 1024

    def read_entry(self, place: int) -> Entry | None:
        """The entry at this place, None if there is none; raises MalformedIndex for a damaged one.

        A subclass has this method for its format.
        """
        raise NotImplementedError

    def at(self, place: int) -> Entry | None:
        try:
            return self.read_entry(place)
        except MalformedIndex:
            return None

    def front(self, place: int) -> Front:  # noqa: ARG002 - of the same length for each
        return Front(self.head)

    def behind(self, place: int, limit: int) -> Entry | None:
        while place < limit:
            data = self.source.read(place, self.piece)
            for match in self.pattern.finditer(data):
                if place + match.start() >= limit:
                    return None
                entry = self.at(place + match.start())
                if entry is not None:
                    return entry
            if len(data) <= _OVERLAP:
                return None
            place += len(data) - _OVERLAP
        return None
