"""Headers of an MP4 or MOV that are obviously wrong, and what they should say.

FFmpeg shows nothing of an edit that lasts for no time, and believes a length of a track that is
shorter than its samples. Players show the rest of the track, and all of its samples. Where an edit
list pauses, players show nothing new; FFmpeg takes samples from the beginning of the track.

Source: ISO/IEC 14496-12, sections 8.4.2 (`mdhd`), 8.6.1.2 (`stts`) and 8.6.6 (`elst`).
"""

import struct
from collections.abc import Iterator

from shared.media.inspect.mp4_tables import edits_of, movie_ticks
from shared.media.reading.corrections import Correction

_TRACK, _LENGTH, _TIMES, _OFFSETS = b"trak", b"mdhd", b"stts", b"ctts"

# A film that counts its samples has a few entries, one whose rate varies has many.
_MOST_ENTRIES = 100_000
_ENTRY = struct.Struct(">2I")

# No film of unknown length is this long, in units of its time base.
_LATE = 1 << 30

# A length that is shorter than the samples by this factor is wrong.
_FAR = 2


def corrections_of(data: bytes, start: int) -> Iterator[Correction]:
    """Yields the corrections of an index, `data`, that begins at `start` in the file."""
    ticks = movie_ticks(data)
    at = data.find(_TRACK)
    while at >= 0:
        behind = data.find(_TRACK, at + len(_TRACK))
        track = data[at : behind if behind >= 0 else len(data)]
        lasts = _samples_last(track)
        yield from _corrected_length(track, start + at, lasts)
        yield from _corrected_edit(track, start + at, lasts, ticks)
        yield from _corrected_pauses(track, start + at, lasts, ticks)
        at = behind


def _corrected_length(track: bytes, start: int, lasts: int) -> Iterator[Correction]:
    at, size = _length_at(track)
    length = int.from_bytes(track[at : at + size])
    if 0 < length * _FAR < lasts < 1 << (8 * size - 1):
        yield start + at, lasts.to_bytes(size)


def _corrected_edit(track: bytes, start: int, lasts: int, ticks: int) -> Iterator[Correction]:
    """Lets the only edit that shows anything show the rest if it lasts for no time."""
    edits = [(at, edit) for at, edit in edits_of(track, ticks) if edit.begin >= 0]
    if len(edits) != 1 or edits[0][1].seconds > 0:
        return
    at, edit = edits[0]
    scale_at = _length_at(track)[0] - 4
    scale = int.from_bytes(track[scale_at : scale_at + 4])
    rest = (lasts - edit.begin) * ticks // scale if scale else 0
    size = 8 if track[track.find(b"elst") + 4] == 1 else 4
    if 0 < rest < 1 << (8 * size - 1):
        yield start + at, rest.to_bytes(size)


def _corrected_pauses(track: bytes, start: int, lasts: int, ticks: int) -> Iterator[Correction]:
    """Lets each pause behind the first picture show what follows the end of the track: nothing.

    With B-frames, the pictures that FFmpeg takes for a pause are too early by a frame or two: in
    front of it, where nothing tells them from others. So a standing picture is left out as well;
    the one before it is shown.
    """
    is_reordered = _OFFSETS in track
    size = 8 if track[track.find(b"elst") + 4] == 1 else 4
    behind = min(max(2 * lasts, _LATE), (1 << (8 * size - 1)) - 1)
    has_begun = False
    for at, edit in edits_of(track, ticks):
        if has_begun and (edit.begin < 0 or (edit.stands and is_reordered)):
            yield start + at + size, behind.to_bytes(size)
        elif edit.stands and edit.begin > 0:
            yield start + at + size, _begin_of_sample(track, edit.begin).to_bytes(size)
        has_begun = has_begun or edit.begin >= 0


def _begin_of_sample(track: bytes, moment: int) -> int:
    """Returns when the sample of a moment begins: FFmpeg would show the one after it.

    That is known where all samples last equally long; else it is the moment itself.
    """
    table, offsets = track.find(_TIMES), track.find(_OFFSETS)
    if table < 0 or int.from_bytes(track[table + 8 : table + 12]) != 1:
        return moment
    lasts = int.from_bytes(track[table + 16 : table + 20])
    delay = int.from_bytes(track[offsets + 16 : offsets + 20], signed=True) if offsets >= 0 else 0
    return max(0, moment - (moment - delay) % lasts) if lasts else moment


def _length_at(track: bytes) -> tuple[int, int]:
    """Returns where a track has its length, and in how many bytes; 0 and 0 if it has none."""
    header = track.find(_LENGTH)
    if header < 0 or header + 36 > len(track):
        return 0, 0
    return (header + 28, 8) if track[header + 4] == 1 else (header + 20, 4)


def _samples_last(track: bytes) -> int:
    """Returns how long the samples of a track last, in units of its time base; 0 if unknown."""
    table = track.find(_TIMES)
    count = int.from_bytes(track[table + 8 : table + 12]) if table >= 0 else 0
    entries = track[table + 12 : table + 12 + count * _ENTRY.size]
    if count > _MOST_ENTRIES or len(entries) < count * _ENTRY.size:
        return 0
    return sum(number * each for number, each in _ENTRY.iter_unpack(entries))
