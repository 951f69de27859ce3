"""Frames one after another: decoding a film on from a keyframe."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from av import Packet

from shared.media.failures import FailureCode
from shared.media.frames.budget import FrameBudget
from shared.media.frames.entered import head_of, packets_from
from shared.media.frames.film import Film, TimedFrame
from shared.media.reading.container import ffmpeg_errors

# How far behind a keyframe a moment is searched for: a minute of Full HD, five seconds of work.
_EXACT_PIXELS = 1500 * 1920 * 1088

# Seconds before the moment from which a keyframe is searched for, until one is shown before it:
# an index may know decoding times only, and a format without index is entered anywhere.
_STEPS_BACK = (0.0, 2.0, 10.0, 60.0, math.inf)

# So many packets in a row that give no frame end the search: nothing can be decoded there.
_PACKETS_WITHOUT_FRAME = 600


def onward(film: Film, timestamp: int, last_byte: int | None = None) -> Iterator[TimedFrame]:
    """Yields every frame that is shown, from the keyframe at or before `timestamp` on.

    Ends when more than `last_byte` bytes of the file have been read, also before the first frame.
    Damaged frames are left out. Raises UnplayableClip for damage that FFmpeg cannot get over or
    when a limit is reached, and any exception of the source, unchanged.
    """
    with ffmpeg_errors(film.file, FailureCode.UNDECODABLE):
        fruitless, follows = 0, timestamp
        for packet in _packets_before(film, timestamp):
            frames = film.decoder.decode(packet)
            fruitless = 0 if frames else fruitless + 1
            is_spent = last_byte is not None and film.file.bytes_read > last_byte
            if is_spent or fruitless > _PACKETS_WITHOUT_FRAME:
                return
            for frame in frames:
                shown_at = follows if frame.pts is None else frame.pts
                follows = shown_at + film.frame_length
                if film.is_shown(shown_at):
                    yield TimedFrame(frame, shown_at)


def _packets_before(film: Film, timestamp: int) -> "Iterator[Packet[Any]]":
    place = film.place_before(timestamp)
    if place is not None:
        return packets_from(film, place)
    if film.try_seek(timestamp):
        return film.packets()
    return packets_from(film, len(head_of(film)))


def next_picture(
    film: Film, packets: "Iterable[Packet[Any]]", budget: FrameBudget
) -> TimedFrame | None:
    """Returns the first frame that the first keyframe of `packets` leads to.

    That is the keyframe itself, decoded alone, as a rule. A recovery point gives no picture alone,
    and a keyframe before the start of an edit is not shown: then what follows is decoded too,
    until a frame comes. None when there is none within `budget`.
    """
    budget.start_place()
    decodes_on = False
    for packet in packets:
        decodes_on |= film.decoder.begins_anywhere
        if not decodes_on and packet.is_keyframe and packet.size:
            frame = film.decoder.decode_alone(packet)
            timestamp = packet.dts if packet.pts is None else packet.pts
            if frame is not None and film.is_shown(timestamp or 0):
                budget.count_found()
                return TimedFrame(frame, timestamp or 0)
            decodes_on = True
        if decodes_on:
            budget.count_decoded()
            for frame in film.decoder.decode(packet):
                if frame.pts is not None and film.is_shown(frame.pts):
                    film.decoder.forget()
                    budget.count_found()
                    return TimedFrame(frame, frame.pts)
        if budget.is_spent_here:
            break
    film.decoder.forget()
    return None


def frame_at(film: Film, seconds: float) -> TimedFrame | None:
    """Returns the frame that is shown `seconds` into the clip, the first or last one beyond it.

    Decodes from the keyframe before it. In a film that would need more than a minute of that,
    the last frame reached; None when nothing can be decoded. Raises as `onward` does.
    """
    target = max(film.begin, film.timestamp(seconds))
    latest = min(target, film.end) if film.length else target
    if film.layout.is_mp4:
        target = latest  # elsewhere the last frame may lie behind an end that is an estimate
    shown = _shown_at(film, latest, target)
    if shown is None and film.decoder.become_tolerant():
        shown = _shown_at(film, latest, target)
    return shown


def _shown_at(film: Film, latest: int, target: int) -> TimedFrame | None:
    """Returns the last frame at or before `target`, searched for from near `latest` on."""
    shown = None
    for back in _STEPS_BACK:
        start = max(film.begin, latest - film.duration(back))
        shown = _last_until(film, start, target)
        if start == film.begin or (shown is not None and shown.timestamp <= target):
            break
    return shown


def _last_until(film: Film, start: int, target: int) -> TimedFrame | None:
    """Returns the last frame at or before `target`, from the keyframe before `start` on.

    If there is none, the first one behind it.
    """
    shown, pixels = None, 0
    for frame in onward(film, start):
        if shown is not None and frame.timestamp > target:
            break
        shown = frame
        pixels += frame.frame.width * frame.frame.height
        if frame.timestamp > target or pixels > _EXACT_PIXELS:
            break
    return shown
