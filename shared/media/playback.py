"""Frames one after another: decoding a film on from a keyframe."""

from collections.abc import Iterator

from shared.media.container import ffmpeg_errors
from shared.media.failures import FailureCode
from shared.media.film import Film, TimedFrame

_EXACT_PIXELS = 1500 * 1920 * 1088
"""How far behind a keyframe a moment is looked for: a minute of Full HD, five seconds of work."""


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
    shown = _last_until(film, target, target)
    if shown is not None and shown.timestamp > target:  # shown later than it is decoded
        earlier = _last_until(film, 2 * target - shown.timestamp, target)
        shown = earlier or shown
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
