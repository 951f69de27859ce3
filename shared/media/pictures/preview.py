"""A few seconds of a clip as a silent moving picture."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

from av import FFmpegError
from PIL import Image

from shared.errors import UnplayableClip
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import onward
from shared.media.frames.samples import byte_range
from shared.media.pictures.animation import animated
from shared.media.pictures.picture import Picture, Size, within
from shared.media.pictures.rendering import Renderer
from shared.media.reading.source import BLOCK_BYTES

_SECONDS = 3.0
_BOX = (480, 480)

# Pictures a second: enough to see what moves, at a third of the bytes of all.
_RATE = 8
_STEP = 1000 // _RATE  # milliseconds

_FEWEST = 8

# Seconds: where the film was entered too late, it is entered again so much earlier.
_STEP_BACK = 2.0

# Time stamps are rounded; so many eighths of a second are nothing.
_ROUNDING = 0.01

# How much may be decoded: three seconds of Full HD and several more from the keyframe before them,
# not as much in 4K.
_PIXELS = 250 * 1920 * 1088

# A film that is played for its storyboard is not decoded again for its preview if it is no longer
# than this: 80 pictures of half a megabyte are kept then.
_KEPT_SECONDS = 10.0


class Moments:
    """Small pictures of a film, the first of each eighth of a second from `start` on.

    `keep` is given frames in the order of time.
    """

    def __init__(self, film: Film, renderer: Renderer, start: int) -> None:
        self._film = film
        self._renderer = renderer
        self._start = start
        self._pictures: dict[int, Image.Image] = {}
        self._last: tuple[int, Image.Image] | None = None

    def keep(self, frame: TimedFrame) -> None:
        """Keeps a picture of the frame if it is the first of its eighth of a second."""
        number = self._number(frame.timestamp)
        if number not in self._pictures:
            with suppress(UnplayableClip):  # a pixel format that cannot be shown
                picture = self._renderer.picture(frame.frame, _BOX)
                self._pictures[number] = picture
                self._last = (frame.timestamp, picture)

    def tile(self, frame: TimedFrame, box: Size) -> Image.Image | None:
        """Returns the frame shrunk into `box`, if its picture was the last to be kept.

        None also where that picture is not twice as large: only then it is as good as one of the
        frame itself, which takes five times as long.
        """
        if self._last is None or self._last[0] != frame.timestamp:
            return None
        picture = self._last[1]
        size = within(picture.size, box)
        return picture.reduce(2) if (size[0] * 2, size[1] * 2) == picture.size else None

    def moving(self, start: int, end: int) -> Picture | None:
        """Returns the pictures between two timestamps as WebP; None if there are too few."""
        first, last = self._number(start), self._number(end)
        # Damaged time stamps may go back.
        chosen = {n: self._pictures[n] for n in sorted(self._pictures) if first <= n < last}
        if len(chosen) < _FEWEST:
            return None
        size = next(iter(chosen.values())).size
        chosen = {number: image for number, image in chosen.items() if image.size == size}
        steps = [
            after - number for number, after in pairwise([*chosen, max(last, 1 + max(chosen))])
        ]
        return animated([*zip(chosen.values(), (_STEP * step for step in steps), strict=True)])

    def _number(self, timestamp: int) -> int:
        """Returns in which eighth of a second a timestamp is."""
        seconds = self._film.seconds(timestamp) - self._film.seconds(self._start)
        return int(seconds * _RATE + _ROUNDING)


def can_keep_moments(film: Film) -> bool:
    """Whether a film is so short that its pictures can be kept while it is played."""
    return 0 < film.length <= film.duration(_KEPT_SECONDS)


def moving_preview(
    film: Film, renderer: Renderer, timestamp: int, max_bytes: int, kept: Moments
) -> Picture | None:
    """Returns about three seconds from `timestamp` on (earlier if the end is near) as WebP.

    At most 480 pixels a side, 8 pictures a second, repeating. From `kept` if there are enough;
    otherwise the film is decoded. Shorter if more than `max_bytes` would be read for it, or limits
    or damage end it; None if hardly anything is left. Raises any exception of the source,
    unchanged.
    """
    length = film.duration(_SECONDS)
    start = max(film.begin, min(timestamp, film.end - length))
    end = start + length if film.length == 0 else min(start + length, film.end)
    preview = kept.moving(start, end)
    if preview is not None or max_bytes < BLOCK_BYTES:
        return preview
    last_byte = film.file.bytes_read + max_bytes + 2 * BLOCK_BYTES  # at its ends
    for begin in dict.fromkeys((start, max(film.begin, start - length))):  # the picture may end
        preview = _decoded(film, renderer, (begin, begin + end - start), last_byte)
        if preview is not None or film.file.bytes_read > last_byte:
            break
    return preview


def _decoded(
    film: Film, renderer: Renderer, stretch: tuple[int, int], last_byte: int
) -> Picture | None:
    """Returns what is shown from one timestamp to another; None if there is hardly anything."""
    moments = Moments(film, renderer, stretch[0])
    place = byte_range(film.stream.index_entries, *stretch) if film.layout.is_mp4 else None
    with suppress(UnplayableClip, FFmpegError):  # what there is by then has to do
        if place is not None:
            left = max(0, last_byte - film.file.bytes_read)
            film.file.prefetch([(place[0], min(place[1], left))])
        for frame in _frames(film, *stretch, last_byte):
            moments.keep(frame)
    return moments.moving(*stretch)


def _frames(film: Film, start: int, end: int, last_byte: int) -> Iterator[TimedFrame]:
    """Yields the frames between two timestamps."""
    pixels = 0
    for frame in _from_before(film, start, last_byte):
        pixels += frame.frame.width * frame.frame.height
        if frame.timestamp >= end or pixels > _PIXELS or film.file.bytes_read > last_byte:
            return
        if frame.timestamp >= start:
            yield frame


def _from_before(film: Film, start: int, last_byte: int) -> Iterator[TimedFrame]:
    """Yields frames from a keyframe before `start` on.

    A film without an index may be entered behind that keyframe. Then it is entered earlier, and in
    the end at its beginning if so much may be read.
    """
    entries = [start, max(film.begin, start - film.duration(_STEP_BACK))]
    if film.file.bytes_read + film.file.size <= last_byte:
        entries.append(film.begin)
    for entry in dict.fromkeys(entries):
        if film.file.bytes_read > last_byte:
            return
        frames = onward(film, entry, last_byte)
        first = next(frames, None)
        if first is not None and first.timestamp <= start + film.duration(1 / _RATE):
            yield first
            yield from frames
            return
