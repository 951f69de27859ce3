"""MPEG-TS: whether all pictures, or all sounds, are encrypted.

Either packets are marked as scrambled, or the table of the program gives its tracks the numbers of
HLS's SAMPLE-AES, which encrypts parts of frames and marks no packet.

Sources: ISO/IEC 13818-1, sections 2.4.3.2 and 2.4.4; Apple's "MPEG-2 Stream Encryption Format for
HTTP Live Streaming", version 1.
"""

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

PACKET, SYNC = 188, 0x47

_SCRAMBLED, _PAYLOAD, _ADAPTATION, _STARTS_SECTION = 0xC0, 0x10, 0x20, 0x40

# Fewer packets of picture and sound than this say nothing about the rest.
_FEWEST = 16
_FEWEST_OF_TRACK = 4
# Numbers below are those of tables, which are never scrambled; the last one is padding.
_FIRST_PID, _PADDING = 0x20, 0x1FFF

_PROGRAMS_PID, _TRACKS_TABLE = 0, 2
_HEAD_OF_TRACKS, _CHECKSUM = 12, 4

# H.264; AAC, AC-3 and E-AC-3.
_ENCRYPTED_PICTURE = frozenset((0xDB,))
_ENCRYPTED_SOUND = frozenset((0xCF, 0xC1, 0xC2))
# MPEG-1, MPEG-2, MPEG-4, H.264, HEVC, VVC; MPEG sound, AAC in two forms, AC-3, E-AC-3.
_CLEAR_PICTURE = frozenset((0x01, 0x02, 0x10, 0x1B, 0x24, 0x33))
_CLEAR_SOUND = frozenset((0x03, 0x04, 0x0F, 0x11, 0x81, 0x87))


def is_encrypted(data: bytes) -> bool:
    """Whether all pictures, or all sounds, are encrypted; `data` is the beginning of a stream."""
    tracks = dict(_tracks(data))
    scrambled, seen = _marked_packets(data)
    if not tracks:  # the table is not in the beginning, or is scrambled too
        return sum(seen.values()) >= _FEWEST and sum(scrambled.values()) > sum(seen.values()) / 2

    def is_hidden(pid: int) -> bool:
        marked = seen[pid] >= _FEWEST_OF_TRACK and scrambled[pid] > seen[pid] / 2
        return marked or tracks[pid] in _ENCRYPTED_PICTURE | _ENCRYPTED_SOUND

    pictures = [pid for pid in tracks if tracks[pid] in _CLEAR_PICTURE | _ENCRYPTED_PICTURE]
    sounds = [pid for pid in tracks if tracks[pid] in _CLEAR_SOUND | _ENCRYPTED_SOUND]
    return any(found and all(map(is_hidden, found)) for found in (pictures, sounds))


def _marked_packets(data: bytes) -> tuple[Counter[int], Counter[int]]:
    """Returns for each number how many of its packets are scrambled, and how many there are."""
    scrambled: Counter[int] = Counter()
    seen: Counter[int] = Counter()
    for at, pid in _packets(data):
        if _FIRST_PID <= pid < _PADDING:
            seen[pid] += 1
            scrambled[pid] += bool(data[at + 3] & _SCRAMBLED)
    return scrambled, seen


def _tracks(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields number and type of each track in the tables of the programs."""
    pids = {pid for section in _sections(data, {_PROGRAMS_PID}) for pid in _table_pids(section)}
    for section in _sections(data, pids):
        if section[0] != _TRACKS_TABLE:
            continue
        at = _HEAD_OF_TRACKS + _length(section, 10)
        while at + 5 <= len(section) - _CHECKSUM:
            yield int.from_bytes(section[at + 1 : at + 3]) & 0x1FFF, section[at]
            at += 5 + _length(section, at + 3)


def _table_pids(section: bytes) -> Iterator[int]:
    """Yields in which packets the table of each program is."""
    for at in range(8, len(section) - _CHECKSUM, 4):
        yield int.from_bytes(section[at + 2 : at + 4]) & 0x1FFF


def _sections(data: bytes, pids: AbstractSet[int]) -> Iterator[bytes]:
    """Yields each section that one packet holds as a whole: those of tables are short."""
    for at, pid in _packets(data):
        if pid not in pids or not data[at + 1] & _STARTS_SECTION:
            continue
        packet = data[at : at + PACKET]
        pointer = 4 + (1 + packet[4] if packet[3] & _ADAPTATION else 0)
        section = packet[pointer + 1 + packet[pointer] :] if pointer < PACKET else b""
        if len(section) > _HEAD_OF_TRACKS and 3 + _length(section, 1) <= len(section):
            yield section[: 3 + _length(section, 1)]


def _packets(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields where each packet with a payload begins, and its number."""
    for at in range(0, len(data) - PACKET + 1, PACKET):
        if data[at] == SYNC and data[at + 3] & _PAYLOAD:
            yield at, int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF


def _length(data: bytes, at: int) -> int:
    """Returns a length of twelve bits."""
    return int.from_bytes(data[at : at + 2]) & 0x0FFF
