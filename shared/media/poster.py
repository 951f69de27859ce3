"""Choosing the frame that stands for a clip.

Knows what a good frame is worth looking for; the keyframes come from `keyframes`, the judgement
of one frame from `scoring`.
"""

import math
from collections.abc import Iterator
from contextlib import suppress

import av
from av import VideoFrame

from shared.errors import UnplayableClip
from shared.media import scoring
from shared.media.color import to_luma
from shared.media.keyframes import Keyframes, TimedFrame
from shared.media.picture import bounded

CANDIDATES = 8
"""In an earlier measurement on 30 films, a score of this kind found a good frame among 3, 5 and 8
keyframes in 23, 27 and 30 of them."""

_CANDIDATE_BYTES = 8 * 1024 * 1024
_WALK_STEP = 10
"""One frame of this many is judged on a walk; decoding must not skip, judging may."""

_WALK_PIXELS = 900 * 1920 * 1088
"""A walk is 900 frames of Full HD, or as much work in another size."""

_RISING = 1.03


def best_frame(keyframes: Keyframes) -> VideoFrame | None:
    """Return the best frame among spread keyframes, or behind the best of these.

    A clip may have a single keyframe, and that black or at the beginning of a fade; then the
    film is walked forward from it. When a limit or damage ends the search, what has been found
    is enough. None when no frame can be decoded.

    Raises:
        UnplayableClip: the search ended before any frame was found.
        BaseException: whatever the source raised, unchanged.
    """
    choice = _Choice(timestamp=keyframes.begin)
    try:
        for keyframe in keyframes.spread(CANDIDATES, _CANDIDATE_BYTES):
            choice.consider(keyframe)
        if choice.score < scoring.CLEARLY_GOOD:
            _walk(keyframes.onward(choice.timestamp), choice)
    except UnplayableClip:
        if choice.frame is None:
            raise
    return choice.frame


class _Choice:
    """The best frame so far; one frame at a time, since a frame of 8K takes 100 MB."""

    def __init__(self, timestamp: int) -> None:
        self.frame: VideoFrame | None = None
        self.score = -math.inf
        self.timestamp = timestamp

    def consider(self, candidate: TimedFrame) -> float:
        """Return the score of a frame, and keep it if it is the best; damaged ones count less."""
        score = -math.inf
        with suppress(av.FFmpegError):  # a pixel format that cannot be shown is no candidate
            score = _judge(candidate.frame)
        if score > self.score:
            self.frame, self.score, self.timestamp = candidate.frame, score, candidate.timestamp
        return score


def _judge(frame: VideoFrame) -> float:
    gray = to_luma(frame, bounded((frame.width, frame.height), scoring.LONGEST_SIDE))
    return scoring.score(gray) - (1.0 if frame.is_corrupt else 0.0)


def _walk(frames: Iterator[TimedFrame], choice: _Choice) -> None:
    """Go on until there is something to see that is no longer getting better, as a fade does."""
    previous = -math.inf
    pixels = 0
    for number, candidate in enumerate(frames):
        pixels += candidate.frame.width * candidate.frame.height
        if pixels > _WALK_PIXELS:
            return
        if number % _WALK_STEP:
            continue
        score = choice.consider(candidate)
        if score >= scoring.ACCEPTABLE and score < previous * _RISING:
            return
        previous = score
