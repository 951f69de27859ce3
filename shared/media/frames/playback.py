"""Frames one after another: decoding a film on from a keyframe."""

import math
from collections.abc import Iterator

from shared.media.failures import FailureCode
from shared.media.frames.film import Film, TimedFrame
from shared.media.reading.container import ffmpeg_errors

_EXACT_PIXELS = 1500 * 1920 * 1088
"""How far behind a keyframe a moment is looked for: a minute of Full HD, five seconds of work."""

_STEPS_BACK = (0.0, 2.0, 10.0, 60.0, math.inf)
"""Seconds before the moment from which a keyframe is looked for, until one is shown before it:
an index may know decoding times only, and a format without index is met anywhere."""


def onward(film: Film, timestamp: int) -> Iterator[TimedFrame]:
    """Yield every frame from the keyframe at or before `timestamp` on.

    Raises:
        UnplayableClip: damage that FFmpeg cannot get over, or a limit was reached.
        BaseException: whatever the source raised, unchanged.
    """
    with ffmpeg_errors(film.file, FailureCode.UNDECODABLE):
        film.seek(timestamp)
        for packet in film.packets():
            for frame in film.decode(packet):
                yield TimedFrame(frame, timestamp if frame.pts is None else frame.pts)


def frame_at(film: Film, seconds: float) -> TimedFrame | None:
    """Return the frame that is shown `seconds` into the film, the first or last one beyond it.

    Decodes from the keyframe before it. In a film that would need more than a minute of that,
    the last frame reached; None when nothing can be decoded. Raises as `onward` does.
    """
    target = max(film.begin, film.timestamp(seconds))
    if film.length:
        target = min(target, film.begin + film.length)
    shown = None
    for back in _STEPS_BACK:
        start = max(film.begin, target - film.duration(back))
        shown = _last_until(film, start, target)
        if start == film.begin or (shown is not None and shown.timestamp <= target):
            break
    return shown


def _last_until(film: Film, start: int, target: int) -> TimedFrame | None:
    """Return the last frame at or before `target`, from the keyframe before `start` on.

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
