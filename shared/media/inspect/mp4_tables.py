"""What the tables of an MP4 or MOV say: how many samples they declare, and which tracks there are.

Works on bytes that have been read: see `mp4`, which says why the samples are counted.
"""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from shared.media.failures import FailureCode, unplayable
from shared.media.inspect.layout import DeclaredTrack, Edit, TrackKind

# Picture and sound of twenty hours, and at most 300 MB of memory.
_MAX_SAMPLES = 8_000_000
# Of all tracks. FFmpeg's time to go to a moment grows with their square: 10,000 take a minute.
_MAX_EDITS = 1000

_SIZES, _CHUNKS, _EDITS = re.compile(b"stsz|stz2"), re.compile(b"stco|co64"), re.compile(b"elst")
_TIMES, _SAMPLES_OF_CHUNKS = re.compile(b"stts"), re.compile(b"stsc")
_OTHER_THAN_SOUND = re.compile(b"hdlr.{8}(?:vide|m1a |subp|clcp)", re.DOTALL)
_SOUND = re.compile(b"hdlr.{8}soun", re.DOTALL)
_COMPRESSED = re.compile(b"cmov.{4}dcom", re.DOTALL)

# FFmpeg hands out the samples of uncompressed sound together, at least so many of them.
_SOUND_AT_ONCE = 512

_MOVIE_HEADER, _TRACK, _TRACK_HEADER, _DESCRIPTIONS = b"mvhd", b"trak", b"tkhd", b"stsd"
_HANDLER = re.compile(b"hdlr.{8}(vide|soun)", re.DOTALL)
_KINDS = {b"vide": TrackKind.PICTURE, b"soun": TrackKind.SOUND}

# Sample entries of encrypted picture and sound: those of Common Encryption (ISO/IEC 23001-7, for
# all of its schemes) and those of iTunes. `sinf` is the box that says how they are encrypted.
_ENCRYPTED_ENTRIES = frozenset((b"encv", b"enca", b"drmi", b"drms"))
_PROTECTION = b"sinf"


def check_samples(tables: Sequence[bytes]) -> None:
    """Refuses an index that would not fit into memory, or would take minutes to search.

    Raises UnplayableClip (`too_much_reading`).
    """
    if any(_COMPRESSED.search(data) for data in tables):  # by zlib: what it holds is not seen here
        raise unplayable(FailureCode.TOO_MUCH_READING)
    if sum(_edits(data) for data in tables) > _MAX_EDITS:
        raise unplayable(FailureCode.TOO_MUCH_READING)
    if sum(_samples(part) for data in tables for part in data.split(_TRACK)) > _MAX_SAMPLES:
        raise unplayable(FailureCode.TOO_MUCH_READING)


def declared_tracks(data: bytes) -> Iterator[DeclaredTrack]:
    """Yields the tracks of an index."""
    ticks = movie_ticks(data)
    for track in data.split(_TRACK)[1:]:
        handler = _HANDLER.search(track)
        yield DeclaredTrack(
            number=_track_number(track),
            kind=_KINDS[handler[1]] if handler else TrackKind.OTHER,
            encrypted=_is_encrypted(track),
            edits=tuple(edit for _, edit in edits_of(track, ticks)),
        )


def _track_number(track: bytes) -> int:
    """Returns what FFmpeg calls the `id` of the stream."""
    header = track.find(_TRACK_HEADER)
    if header < 0:
        return 0
    long_times = track[header + 4 : header + 5] == b"\1"
    at = header + (24 if long_times else 16)
    return int.from_bytes(track[at : at + 4])


def _is_encrypted(track: bytes) -> bool:
    """Whether any of the sample entries of a track is encrypted."""
    at = track.find(_DESCRIPTIONS)
    if at < 0:
        return False
    end = at - 4 + int.from_bytes(track[max(0, at - 4) : at])
    entry = at + 12
    while entry + 8 <= min(end, len(track)):
        size = int.from_bytes(track[entry : entry + 4])
        whole = track[entry : entry + size]
        if whole[4:8] in _ENCRYPTED_ENTRIES or _PROTECTION in whole:
            return True
        if size <= 0:
            return False
        entry += size
    return False


def movie_ticks(data: bytes) -> int:
    """Returns how many units a second has in which an index counts how long edits are."""
    header = data.find(_MOVIE_HEADER)
    at = header + (24 if data[header + 4 : header + 5] == b"\1" else 16)
    return (int.from_bytes(data[at : at + 4]) if header >= 0 else 0) or 1


def edits_of(track: bytes, ticks: int) -> Iterator[tuple[int, Edit]]:
    """Yields the edit list of a track, and where in `track` each part of it stands."""
    table = _EDITS.search(track)
    if table is None:
        return
    size = 8 if track[table.end() : table.end() + 1] == b"\1" else 4
    at = table.end() + 8
    for _ in range(int.from_bytes(track[at - 4 : at])):
        part = track[at : at + 2 * size + 4]
        if len(part) < 2 * size + 4:
            return
        yield (
            at,
            Edit(
                seconds=Fraction(int.from_bytes(part[:size]), ticks),
                begin=int.from_bytes(part[size : 2 * size], signed=True),
                stands=part[2 * size :] == bytes(4),
            ),
        )
        at += len(part)


def _samples(track: bytes) -> int:
    """Returns how many entries FFmpeg makes of a track: of the bytes between two tracks."""
    if _is_plain_sound(track):
        together = max(_numbers_of_chunks(track), default=0) // _SOUND_AT_ONCE + 1
        count = sum(_numbers(_CHUNKS, track, 8)) * together
    else:
        count = sum(_numbers(_SIZES, track, 12))
    return count * max(1, _edits(track))


def _edits(data: bytes) -> int:
    return sum(_numbers(_EDITS, data, 8))


def _is_plain_sound(track: bytes) -> bool:
    """Whether it is uncompressed sound: as for FFmpeg, each sample lasts for one tick."""
    times = [match.start() for match in _TIMES.finditer(track)]
    one_tick_each = [(1).to_bytes(4), (1).to_bytes(4)]
    return (
        [track[at + 8 : at + 12] for at in times] == one_tick_each[:1]
        and [track[at + 16 : at + 20] for at in times] == one_tick_each[1:]
        and _SOUND.search(track) is not None
        and _OTHER_THAN_SOUND.search(track) is None
    )


def _numbers(table: re.Pattern[bytes], data: bytes, at: int) -> Iterator[int]:
    """Yields the number `at` bytes into each such table, counted from its name."""
    for match in table.finditer(data):
        yield int.from_bytes(data[match.start() + at : match.start() + at + 4])


def _numbers_of_chunks(track: bytes) -> Iterator[int]:
    """Yields how many samples the chunks have, in each run of chunks that are alike."""
    for match in _SAMPLES_OF_CHUNKS.finditer(track):
        entries = int.from_bytes(track[match.start() + 8 : match.start() + 12])
        first = match.start() + 16
        for at in range(first, min(first + 12 * entries, len(track)), 12):
            yield int.from_bytes(track[at : at + 4])
