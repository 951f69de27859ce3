"""The storyboard of a clip: how many tiles, how large, and the sheet that they are laid out on."""

from PIL import Image

from shared.media.picture import Picture, encoded
from shared.model import ImageFormat
from shared.storyboard import Storyboard

TILE_BOX = (240, 320)
"""Width and height of a tile at most, in pixels: 240x135 for 16:9, 180x320 for 9:16."""

_MOST_TILES = 50
_CLOSEST = 1.0
_COLUMNS = 10
_JPEG_QUALITY = 72


def tile_count(duration: float | None) -> int:
    """Return how many tiles a clip of so many seconds is to have.

    A tile for every second, at most 50: what a scrub bar can show. So a sheet has at most
    2400 x 1600 pixels, and a longer clip costs no more than one of a minute.
    """
    return min(_MOST_TILES, max(1, int((duration or 0.0) / _CLOSEST)))


class Sheet:
    """Collects tiles, in order, and lays them out."""

    def __init__(self) -> None:
        self._tiles: list[Image.Image] = []
        self._starts: list[float] = []

    def add(self, tile: Image.Image, seconds: float) -> None:
        """Add the picture that is shown `seconds` into the clip."""
        if self._starts and seconds <= self._starts[-1]:
            return  # time stamps of a damaged file may run backwards
        self._tiles.append(tile)
        self._starts.append(round(seconds, 3) if self._starts else 0.0)

    def laid_out(self, duration: float | None) -> tuple[Storyboard, Picture] | None:
        """Return geometry and JPEG for a clip of `duration` seconds, None without tiles or length.

        The tiles are given up.
        """
        count = sum(start < (duration or 0.0) for start in self._starts)
        if not count or duration is None:
            return None
        width, height = self._tiles[0].size
        columns, rows = min(count, _COLUMNS), -(-count // _COLUMNS)
        storyboard = Storyboard(
            columns=columns,
            rows=rows,
            tile_width=width,
            tile_height=height,
            starts=tuple(self._starts[:count]),
            duration=duration,
        )
        image = Image.new("RGB", (columns * width, rows * height))
        for number, tile in enumerate(self._tiles[:count]):
            same = tile if tile.size == (width, height) else tile.resize((width, height))
            image.paste(same, storyboard.place(number))
        self._tiles.clear()
        return storyboard, encoded(image, ImageFormat.JPEG, _JPEG_QUALITY)
