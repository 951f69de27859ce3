"""A storyboard: the place of each tile of its sheet, and the seconds of the clip that it shows.

Pure: writing a WebVTT needs neither FFmpeg nor Pillow. The sheet itself is made by
`shared.media`.

Source: the WebVTT of thumbnails as JW Player brought it up and Vidstack, Video.js, Plyr and
Shaka read it: cues whose text is an address with a media fragment (W3C Media Fragments URI,
section 4.2.2): `sheet.jpg#xywh=0,0,240,135`.
"""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Storyboard:
    """The geometry of a sheet of `len(starts)` tiles, row by row; the last row may be part full.

    Tile sizes are pixels. `starts` ascend from 0.0: tile n shows the clip at `starts[n]`, and
    shows the time until the next one begins; `duration` ends the last: it is that of the clip, or
    less where only its beginning could be read. Both are seconds.
    """

    columns: int
    rows: int
    tile_width: int
    tile_height: int
    starts: tuple[float, ...]
    duration: float

    def place(self, number: int) -> tuple[int, int]:
        """The x and y of the top left corner of tile `number` in the sheet, in pixels."""
        row, column = divmod(number, self.columns)
        return column * self.tile_width, row * self.tile_height


def webvtt(storyboard: Storyboard, sheet_url: str) -> str:
    """The WebVTT that maps every moment of the board to a tile of the sheet at `sheet_url`.

    The cues follow each other without gaps or overlaps. The address is written as it is: a
    signed one keeps its query in front of the fragment.
    """
    milliseconds = [round(second * 1000) for second in (*storyboard.starts, storyboard.duration)]
    size = f"{storyboard.tile_width},{storyboard.tile_height}"
    lines = ["WEBVTT", ""]
    for number, (start, end) in enumerate(pairwise(milliseconds)):
        if start == end:  # shorter than WebVTT can say
            continue
        x, y = storyboard.place(number)
        lines += [f"{_clock(start)} --> {_clock(end)}", f"{sheet_url}#xywh={x},{y},{size}", ""]
    return "\n".join(lines)


def _clock(milliseconds: int) -> str:
    seconds, fraction = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{fraction:03}"
