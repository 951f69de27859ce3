"""Choosing the frame that represents a clip.

Decides how long to search for a better frame; the frames come from `keyframes` and `playback`,
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

# With fewer candidates than this, a better frame may lie between them.
_FEW = 4

# One frame of this many is judged where frames are decoded one after another: decoding must not
# skip, judging may.
_STEP = 10

# That ends after 300 frames of Full HD, as much work in another size, or so many bytes.
_PIXELS = 300 * 1920 * 1088
_BYTES = 8 * 1024 * 1024

# It also ends where a frame is not better than the one before by more than 3 %.
_RISING = 1.03


class BestFrame:
    """The best frame so far; one frame at a time, since a frame of 8K takes 100 MB."""

    def __init__(self, timestamp: int) -> None:
        self.frame: VideoFrame | None = None
        self.timestamp = timestamp
        self._score = -math.inf
        self._candidates = 0

    def consider(self, candidate: TimedFrame, picture: Image.Image) -> float:
        """Returns the score of a frame, and keeps it if it is the best.

        `picture` is the frame on a screen, in any size from some 100 pixels on.
        """
        score = scoring.score(picture)
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


def improve(best: BestFrame, film: Film, renderer: Renderer, last_byte: int) -> None:
    """Searches the frames behind the best one if there may be a better one among them.

    The search ends at a limit, at damage, or when more than `last_byte` bytes of the file have been
    read; the best frame so far is kept. Raises UnplayableClip when nothing had been found before,
    and any exception of the source, unchanged.
    """
    if not best.could_be_better:
        return
    try:
        most = film.file.bytes_read + _BYTES
        most = most if best.frame is None else min(most, last_byte)
        _search(_bounded(onward(film, best.timestamp, most)), best, renderer)
    except UnplayableClip:
        if best.frame is None:
            raise


def _bounded(frames: Iterator[TimedFrame]) -> Iterator[TimedFrame]:
    pixels = 0
    for candidate in frames:
        pixels += candidate.frame.width * candidate.frame.height
        if pixels > _PIXELS:
            return
        yield candidate


def _search(frames: Iterator[TimedFrame], best: BestFrame, renderer: Renderer) -> None:
    """Goes on until there is something to see that is no longer getting better, as a fade does."""
    previous = -math.inf
    for number, candidate in enumerate(frames):
        if number % _STEP:
            continue
        with suppress(UnplayableClip):  # a pixel format that cannot be shown is no candidate
            picture = renderer.picture(candidate.frame, scoring.BOX)
            score = best.consider(candidate, picture)
            if score >= scoring.ACCEPTABLE and score < previous * _RISING:
                return
            previous = score
