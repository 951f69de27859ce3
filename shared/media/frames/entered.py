"""The packets of an FLV or a Matroska film from any of its places on, without seeking.

They are demuxed as a stream of their own behind the head of the file, which describes its tracks.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from av import Packet

from shared.media.frames.film import Film
from shared.media.reading.container import open_stream
from shared.media.reading.entry_points import CLUSTER, flv_head
from shared.media.reading.source import BLOCK_BYTES, SourceFile

_LONGEST_HEAD = 1024 * 1024


def packets_from(film: Film, place: int) -> "Iterator[Packet[Any]]":
    """Yields the packets of the picture that follow `place`, where a tag or a cluster begins."""
    position = film.file.tell()  # FFmpeg reads on from here and does not see other reads
    stream = _StreamFrom(film.file, head_of(film), place)
    film.decoder.forget()
    try:
        with closing(open_stream(stream, film.container.format.name.split(",")[0])) as container:
            tracks = [each for each in container.streams.video if each.index == film.stream.index]
            for packet in container.demux(tracks) if tracks else ():
                film.file.check()
                yield packet
    finally:
        film.file.seek(position)


def head_of(film: Film) -> bytes:
    """Returns what a demuxer must see first: of Matroska, all before the first cluster."""
    if film.container.format.name == "flv":
        return flv_head(film.file.peek(0, BLOCK_BYTES))
    data = b""
    while len(data) < _LONGEST_HEAD and CLUSTER not in data:
        more = film.file.peek(len(data), BLOCK_BYTES)
        if not more:
            break
        data += more
    return data[: data.find(CLUSTER)] if CLUSTER in data else b""


class _StreamFrom:
    """The head of a file and what follows `place` in it, to be read once from end to end."""

    def __init__(self, file: SourceFile, head: bytes, place: int) -> None:
        self._file = file
        self._head = head
        self._place = place

    def read(self, size: int) -> bytes:
        """Returns up to `size` bytes; none at the end, or after a failure that `check` raises."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        self._file.seek(self._place)
        data = self._file.read(size)
        self._place += len(data)
        return data
