"""The storyboard of a clip: how many tiles, how large, and the sheet that they are laid out on."""

from PIL import Image

from shared.media.pictures.picture import Picture, encoded
from shared.model import ImageFormat
from shared.storyboard import Storyboard

TILE_BOX = (240, 320)
"""Width and height of a tile at most, in pixels: 240x135 for 16:9, 180x320 for 9:16."""

_MAX_TILES = 50
_CLOSEST = 0.95  # seconds: a keyframe a second, time stamps rounded
_COLUMNS = 10
_JPEG_QUALITY = 72


def tile_count(duration: float | None) -> int:
    """Return how many tiles a clip of so many seconds is to have.

    A tile for every second, at most 50: what a scrub bar can show. So a sheet has at most
    2400 x 1600 pixels, and a longer clip costs no more than one of a minute.
    """
    return min(_MAX_TILES, max(1, int(duration or 0.0)))


class Sheet:
    """Collects tiles, in any order, and lays them out."""

    def __init__(self) -> None:
        self._tiles: dict[float, Image.Image] = {}

    def add(self, tile: Image.Image, seconds: float) -> None:
        """Add the picture that is shown `seconds` into the clip, unless there is one beside it."""
        if all(abs(seconds - other) >= _CLOSEST for other in self._tiles):
            self._tiles[round(seconds, 3)] = tile

    def laid_out(self, duration: float | None) -> tuple[Storyboard, Picture] | None:
        """Return geometry and JPEG for a clip of `duration` seconds, and give up the tiles.

        None without a length, and if all tiles are from the first third of the clip: then it
        could not be read on.
        """
        if duration is None:
            return None
        starts = sorted(start for start in self._tiles if start < duration)
        tiles = [self._tiles[start] for start in starts]
        self._tiles.clear()
        if not tiles or (len(tiles) > 1 and starts[-1] < duration / 3):
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
