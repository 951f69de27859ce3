"""Choosing the frame that stands for a clip.

Knows what a good frame is worth looking for; the frames come from `keyframes` and `playback`,
the judgement of one frame from `scoring`.
"""

import math
from collections.abc import Iterator
from contextlib import suppress

from av import VideoFrame
from PIL import Image

from shared.errors import UnplayableClip
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import onward
from shared.media.pictures import scoring
from shared.media.pictures.rendering import Renderer

_FEW = 4
"""With fewer candidates than this, a better frame may lie between them."""

_WALK_STEP = 10
"""One frame of this many is judged on a walk; decoding must not skip, judging may."""

_WALK_PIXELS = 300 * 1920 * 1088
_WALK_BYTES = 8 * 1024 * 1024
"""A walk ends after 300 frames of Full HD, as much work in another size, or so many bytes."""

_RISING = 1.03


class Choice:
    """The best frame so far; one frame at a time, since a frame of 8K takes 100 MB."""

    def __init__(self, timestamp: int) -> None:
        self.frame: VideoFrame | None = None
        self.timestamp = timestamp
        self._score = -math.inf
        self._candidates = 0

    def consider(self, candidate: TimedFrame, picture: Image.Image) -> float:
        """Return the score of a frame, and keep it if it is the best; damaged ones count less.

        `picture` is the frame on a screen, in any size from some 100 pixels on.
        """
        score = scoring.score(picture) - (1.0 if candidate.frame.is_corrupt else 0.0)
        self._candidates += 1
        if score > self._score:
            self.frame, self._score, self.timestamp = candidate.frame, score, candidate.timestamp
        return score

    @property
    def could_be_better(self) -> bool:
        """Whether it is worth looking behind the best frame for another.

        A clip may have a single keyframe, and that black or at the beginning of a fade. Among
        several, a modest one is what the film looks like.
        """
        enough = scoring.CLEARLY_GOOD if self._candidates < _FEW else scoring.ACCEPTABLE
        return self._score < enough


def improve(choice: Choice, film: Film, renderer: Renderer) -> None:
    """Walk forward from the best frame if there may be a better one.

    When a limit or damage ends the walk, what has been found is enough.

    Raises:
        UnplayableClip: the walk ended before any frame was found.
        BaseException: whatever the source raised, unchanged.
    """
    if not choice.could_be_better:
        return
    try:
        _walk(_bounded(onward(film, choice.timestamp), film), choice, renderer)
    except UnplayableClip:
        if choice.frame is None:
            raise


def _bounded(frames: Iterator[TimedFrame], film: Film) -> Iterator[TimedFrame]:
    pixels, last_byte = 0, film.file.bytes_read + _WALK_BYTES
    for candidate in frames:
        pixels += candidate.frame.width * candidate.frame.height
        if pixels > _WALK_PIXELS or film.file.bytes_read > last_byte:
            return
        yield candidate


def _walk(frames: Iterator[TimedFrame], choice: Choice, renderer: Renderer) -> None:
    """Go on until there is something to see that is no longer getting better, as a fade does."""
    previous = -math.inf
    for number, candidate in enumerate(frames):
        if number % _WALK_STEP:
            continue
        with suppress(UnplayableClip):  # a pixel format that cannot be shown is no candidate
            picture = renderer.picture(candidate.frame, scoring.BOX)
            score = choice.consider(candidate, picture)
            if score >= scoring.ACCEPTABLE and score < previous * _RISING:
                return
            previous = score
