"""All that a player and a gallery show of a clip, from one pass over the film.

frames spread over the film ─┬─ a tile each ── storyboard
                             └─ the best one ─┬─ posters, placeholder
                                              └─ the seconds behind it ── preview
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image

from shared.errors import UnplayableClip
from shared.media.failures import FailureCode, unplayable
from shared.media.frames.budget import FrameBudget
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.keyframes import spread
from shared.media.pictures.picture import Picture, Size, encoded, shrunk, within
from shared.media.pictures.placeholder import placeholder
from shared.media.pictures.poster import BestFrame, improve
from shared.media.pictures.preview import Moments, can_keep_moments, moving_preview
from shared.media.pictures.rendering import Renderer
from shared.media.pictures.sheet import TILE_BOX, Sheet, tile_count
from shared.model.link import ImageFormat
from shared.model.storyboard import Storyboard
from shared.telemetry import with_current_context

POSTER_WIDTHS = (320, 640, 1280)

# Fewest frames for the poster, however short the clip. In an earlier measurement on 30 films, a
# score of this kind found a good frame among 3, 5 and 8 keyframes in 23, 27 and 30 of them.
_CANDIDATES = 8

# The frames come first: fewest and most bytes for them, most for the preview.
_BYTES_SHARE = 0.0195
_FRAME_BYTES = (5_000_000, 7_000_000)
_PREVIEW_BYTES = 6_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stills:
    """Everything that is shown of a clip before it plays.

    `posters`: JPEG and WebP of each width, ascending; empty for sound without a cover.
    `placeholder`: a ThumbHash in base64, None without posters.
    `storyboard` and `sheet`: the geometry of the tiles and the JPEG that has them; both None
    for sound, and for a film of unknown length.
    `preview`: about three seconds as silent animated WebP, None where it would cost too much.
    """

    posters: tuple[Picture, ...] = ()
    placeholder: str | None = None
    storyboard: Storyboard | None = None
    sheet: Picture | None = None
    preview: Picture | None = None

    @property
    def poster(self) -> Picture | None:
        """The largest JPEG."""
        jpegs = [picture for picture in self.posters if picture.format is ImageFormat.JPEG]
        return jpegs[-1] if jpegs else None


def _allowance(size: int) -> int:
    """Returns how many bytes may be read for the stills of a file of `size` bytes.

    A film of 300 MB is to cost 2.5 % of its bytes at most, one of 1 GB 2 %, with some for its
    index, and a larger one no more than that. A small file may be read to a larger part: at the
    bit rate of a telephone, three seconds are 6 MB.
    """
    smallest, largest = _FRAME_BYTES[0] + _PREVIEW_BYTES, _FRAME_BYTES[1] + _PREVIEW_BYTES
    return int(min(max(_BYTES_SHARE * size, smallest - 0.0155 * size), largest))


def stills_of(film: Film, renderer: Renderer, duration: float | None) -> Stills:
    """Returns all of a film; `duration` is the clip's in seconds.

    What was found before a limit or damage ended the search is enough. Raises UnplayableClip when
    no undamaged frame can be decoded or a limit was reached before the first, and any exception of
    the source, unchanged.
    """
    last_byte = film.file.bytes_read + _allowance(film.file.size)
    found = _search(film, renderer, duration, last_byte)
    if found.best.frame is None and film.decoder.become_tolerant():
        found = _search(film, renderer, duration, last_byte)
    best = found.best
    if best.frame is None or film.decoder.is_mostly_damaged:
        raise unplayable(FailureCode.UNDECODABLE)
    image = renderer.picture(best.frame, _poster_box(POSTER_WIDTHS[-1]))
    best.frame = None  # the memory is wanted for what follows
    with ThreadPoolExecutor(1, "media-posters") as pool:  # while the preview is decoded
        posters = pool.submit(with_current_context(_posters), image)
        left = min(last_byte - film.file.bytes_read, _PREVIEW_BYTES)
        preview = moving_preview(film, renderer, best.timestamp, left, found.kept)
    searched = film.seconds(found.budget.reached)
    laid_out = found.sheet.laid_out(duration, film.picture_seconds, searched)
    board, sheet_picture = laid_out or (None, None)
    return Stills(
        posters=posters.result(),
        placeholder=placeholder(image),
        storyboard=board,
        sheet=sheet_picture,
        preview=preview,
    )


def stills_of_cover(cover: TimedFrame, renderer: Renderer) -> Stills:
    """Returns the posters of a sound file's cover picture.

    Raises UnplayableClip when its pixel format cannot be shown.
    """
    image = renderer.picture(cover.frame, _poster_box(POSTER_WIDTHS[-1]))
    return Stills(posters=_posters(image), placeholder=placeholder(image))


def _frame_budget(film: Film, duration: float | None) -> FrameBudget:
    tiles = tile_count(film.length_seconds or duration)
    return FrameBudget(
        film,
        count=tiles * -(-_CANDIDATES // tiles),  # so that the tiles are among them
        max_bytes=min(max(int(_BYTES_SHARE * film.file.size), _FRAME_BYTES[0]), _FRAME_BYTES[1]),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What one search through a film gathers."""

    budget: FrameBudget
    best: BestFrame
    sheet: Sheet
    kept: Moments


def _search(film: Film, renderer: Renderer, duration: float | None, last_byte: int) -> _Found:
    found = _Found(
        _frame_budget(film, duration),
        BestFrame(film.begin),
        Sheet(),
        Moments(film, renderer, film.begin),
    )
    _gather(film, renderer, found)
    improve(found.best, film, renderer, last_byte)
    return found


def _gather(film: Film, renderer: Renderer, found: _Found) -> None:
    passed = found.kept.keep if can_keep_moments(film) else None
    try:
        for each in spread(film, found.budget, passed):
            with suppress(UnplayableClip):  # a pixel format that cannot be shown is no candidate
                tile = found.kept.tile(each, TILE_BOX) or renderer.picture(each.frame, TILE_BOX)
                found.best.consider(each, tile)
                found.sheet.add(tile, film.seconds(each.timestamp))
    except UnplayableClip:
        if found.best.frame is None:
            raise


def _posters(largest: Image.Image) -> tuple[Picture, ...]:
    """Returns JPEG and WebP in every width that is smaller, and as it is."""
    sizes = {within(largest.size, _poster_box(width)) for width in POSTER_WIDTHS}
    pictures: list[Picture] = []
    image = largest
    for size in sorted(sizes, reverse=True):
        image = shrunk(image, size)
        pictures = [*(encoded(image, file_format) for file_format in ImageFormat), *pictures]
    return tuple(pictures)


def _poster_box(width: int) -> Size:
    """Returns the bounds of a poster: a telephone held upright fits, a pillar does not."""
    return width, 3 * width
