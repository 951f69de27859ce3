"""The storyboard of a clip: how many tiles, how large, and the sheet that they are laid out on."""

from itertools import pairwise

from PIL import Image

from shared.media.pictures.picture import Picture, encoded
from shared.model.link import ImageFormat
from shared.model.storyboard import Storyboard

# Width and height of a tile at most, in pixels: 240x135 for 16:9, 180x320 for 9:16.
TILE_BOX = (240, 320)

_MAX_TILES = 50

# Seconds between tiles: two are hardly ever so close to each other if there is one for each second.
_CLOSEST = 0.4

# A storyboard of the whole film needs so much of it to have been searched for frames: else its last
# tile would represent a part of which nothing is known.
_SEARCHED = 2 / 3
# If the film was read from its beginning, the storyboard may end where reading ended, but not
# before this second.
_FEWEST_SECONDS = 1.0
_COLUMNS = 10
_JPEG_QUALITY = 72


def tile_count(duration: float | None) -> int:
    """Returns how many tiles a clip of so many seconds is to have.

    A tile for every second, at most 50: what a scrub bar can show. So a sheet has at most
    2400 x 1600 pixels, and a longer clip costs no more than one of a minute.
    """
    return min(_MAX_TILES, max(1, int(duration or 0.0)))


class Sheet:
    """Collects tiles, in any order, and lays them out."""

    def __init__(self) -> None:
        self._tiles: dict[float, Image.Image] = {}

    def add(self, tile: Image.Image, seconds: float) -> None:
        """Adds the picture that is shown `seconds` into the clip."""
        self._tiles.setdefault(round(seconds, 3), tile)

    def laid_out(
        self, duration: float | None, picture_ends: float, searched: float, *, in_order: bool
    ) -> tuple[Storyboard, Picture] | None:
        """Returns geometry and JPEG for a clip of `duration` seconds, and gives up the tiles.

        The picture may end before the clip, at `picture_ends` seconds. Up to `searched` seconds
        the film was searched for frames; if that was `in_order` and is a small part of the film,
        the storyboard ends there. None without a length, and if too little was searched.
        """
        if duration is None:
            return None
        if searched < _SEARCHED * min(duration, picture_ends):
            if not in_order or searched < _FEWEST_SECONDS:
                return None
            duration = searched
        shown = min(duration, picture_ends or duration)
        starts = _evenly([start for start in sorted(self._tiles) if start < duration], shown)
        starts = starts or sorted(self._tiles)[:1]  # a film of one frame that is shown at its end
        tiles = [self._tiles[start] for start in starts]
        self._tiles.clear()
        if not tiles:
            return None
        width, height = tiles[0].size
        columns, rows = min(len(tiles), _COLUMNS), -(-len(tiles) // _COLUMNS)
        storyboard = Storyboard(
            columns=columns,
            rows=rows,
            tile_width=width,
            tile_height=height,
            starts=(0.0, *starts[1:]),
            duration=duration,
        )
        sheet = Image.new("RGB", (columns * width, rows * height))
        for number, tile in enumerate(tiles):
            same = tile if tile.size == (width, height) else tile.resize((width, height))
            sheet.paste(same, storyboard.place(number))
        return storyboard, encoded(sheet, ImageFormat.JPEG, _JPEG_QUALITY)


def _evenly(starts: list[float], seconds: float) -> list[float]:
    """Returns `starts`, which ascend; of too many, those nearest to equal parts of the film."""
    count = tile_count(seconds)
    parts = [seconds * number / count for number in range(count)]
    if len(starts) > count:
        starts = sorted({_nearest(starts, part) for part in parts})
    apart = [after for before, after in pairwise(starts) if after - before >= _CLOSEST]
    return [*starts[:1], *apart]


def _nearest(starts: list[float], part: float) -> float:
    return min(starts, key=lambda start: abs(start - part))
