"""A few seconds of a clip as a silent moving picture."""

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO

from av import FFmpegError
from PIL import Image

from shared.errors import UnplayableClip
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import onward
from shared.media.frames.samples import span
from shared.media.pictures.picture import Picture
from shared.media.pictures.rendering import Renderer
from shared.media.reading.source import BLOCK_BYTES
from shared.model import ImageFormat

_SECONDS = 3.0
_BOX = (480, 480)

# Pictures a second: enough to see what moves, at a third of the bytes of all.
_RATE = 8

_FEWEST = 8
_WEBP_QUALITY, _WEBP_EFFORT = 60, 0

# How much may be decoded: three seconds of Full HD and several more from the keyframe before them,
# not as much in 4K.
_PIXELS = 250 * 1920 * 1088


def moving_preview(
    film: Film, renderer: Renderer, timestamp: int, max_bytes: int
) -> Picture | None:
    """Return about three seconds from `timestamp` on (earlier if the end is near) as WebP.

    At most 480 pixels a side, 8 pictures a second, repeating. Shorter if more than `max_bytes`
    would be read for it, or limits or damage end it; None if hardly anything is left.
    Raises any exception of the source, unchanged.
    """
    length = film.duration(_SECONDS)
    start = max(film.begin, min(timestamp, film.end - length))
    place = span(film.stream.index_entries, start, start + length) if film.layout.is_mp4 else None
    if max_bytes < BLOCK_BYTES:
        return None
    images: list[Image.Image] = []
    last_byte = film.file.bytes_read + max_bytes + 2 * BLOCK_BYTES  # at its ends
    with suppress(UnplayableClip, FFmpegError):  # what there is by then has to do
        if place is not None:
            film.file.prefetch([(place[0], min(place[1], max_bytes))])
        images = [
            renderer.picture(each.frame, _BOX) for each in _moments(film, start, length, last_byte)
        ]
    if len(images) < _FEWEST:
        return None
    return _animated([image for image in images if image.size == images[0].size])


def _moments(film: Film, start: int, length: int, last_byte: int) -> Iterator[TimedFrame]:
    """Yield the frames at each eighth of a second."""
    pixels = shown = 0
    for frame in onward(film, start):
        pixels += frame.frame.width * frame.frame.height
        if (
            frame.timestamp >= start + length
            or pixels > _PIXELS
            or film.file.bytes_read > last_byte
        ):
            return
        if film.seconds(frame.timestamp) >= film.seconds(start) + shown / _RATE:
            shown += 1
            yield frame


def _animated(images: list[Image.Image]) -> Picture:
    buffer = BytesIO()
    images[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=images[1:],
        duration=1000 // _RATE,
        loop=0,
        quality=_WEBP_QUALITY,
        method=_WEBP_EFFORT,
    )
    return Picture(buffer.getvalue(), *images[0].size, ImageFormat.WEBP)
