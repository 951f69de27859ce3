"""Fragments of an MP4 without an index of them: ISO/IEC 14496-12, section 8.8."""

import re
import struct
from dataclasses import dataclass

from shared.media.cutting.by_index.mp4_boxes import Box, boxes_in
from shared.media.cutting.without_index.entries_scan import LARGEST_HEAD, ScannedEntries
from shared.media.cutting.without_index.stretches import Entry, Front
from shared.media.reading.byte_source import ByteSource

_BOX, _LARGE_BOX = 8, 16
# What is read of a fragment first: most of their headers are not longer.
_FRAGMENT_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Fragments(ScannedEntries):
    """Fragments with the time of one track: the picture's, if there is one."""

    track: int
    timescale: int
    pattern = re.compile(rb"\x00.{3}moof.{4}mfhd", re.DOTALL)

    @classmethod
    def of(cls, source: ByteSource, head: bytes) -> "Fragments | None":
        moov, place = b"", 0
        while place + _BOX <= source.size:
            header = head[place : place + _LARGE_BOX]
            if len(header) < _LARGE_BOX:
                header = source.read(place, _LARGE_BOX)
            size, kind = int.from_bytes(header[:4]), header[4:8]
            if kind == b"moof" and moov:
                return cls._with(source, moov, place)
            if size < _BOX or kind in {b"sidx", b"mdat"} or place + size > LARGEST_HEAD:
                return None
            if kind == b"moov":
                moov = source.read(place, size)
            place += size
        return None

    @classmethod
    def _with(cls, source: ByteSource, moov: bytes, first: int) -> "Fragments | None":
        tracks = [
            box
            for outer in boxes_in(memoryview(moov))
            for box in outer.children()
            if box.kind == b"trak"
        ]
        tracks.sort(key=lambda box: bytes(box.child(b"mdia", b"hdlr").body[8:12]) != b"vide")
        if not tracks:
            return None
        header, media = tracks[0].child(b"tkhd"), tracks[0].child(b"mdia", b"mdhd")
        number = header.uint(20 if header.version else 12, 4)
        timescale = media.uint(20 if media.version else 12, 4)
        if not timescale:
            return None
        return cls(source, source.read(0, first), first, number, timescale)

    def front(self, place: int) -> Front:
        """Places in the file may be counted from its beginning, so that they must stay the same."""
        gap = place - self.first
        if not gap:
            return Front(self.head)
        free = struct.pack(">I4sQ", 1, b"free", gap)
        return Front(self.head + free, gap - len(free))

    def read_entry(self, place: int) -> Entry | None:
        header = self.source.read(place, _FRAGMENT_HEAD)
        size = int.from_bytes(header[:4])
        if header[4:8] != b"moof" or size > LARGEST_HEAD:
            return None
        if size + _LARGE_BOX > len(header):
            header += self.source.read(place + len(header), size + _LARGE_BOX - len(header))
        time = self._time(next(boxes_in(memoryview(header)), None))
        following = header[size : size + _LARGE_BOX]
        media = int.from_bytes(following[:4])
        if media == 1:
            media = int.from_bytes(following[8:16])
        end = place + size + media if following[4:8] == b"mdat" and media else None
        return None if time is None else Entry(place, time, end)

    def _time(self, moof: Box | None) -> float | None:
        """When the fragment begins; None for one without the track."""
        for part in moof.children() if moof is not None else ():
            if part.kind != b"traf" or part.child(b"tfhd").uint(4, 4) != self.track:
                continue
            decoded = part.child(b"tfdt")
            return decoded.uint(4, 8 if decoded.version else 4) / self.timescale
        return None
