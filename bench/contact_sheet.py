"""A picture of what Cliplink makes of a folder of clips: poster, storyboard, placeholder, facts.

python -m bench.contact_sheet FOLDER docs/contact-sheet.jpg
"""

import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from thash import thumb_hash_to_rgba

from bench.ingest.once import FileSource
from shared import media
from shared.errors import UnplayableClip
from shared.media import Stills
from shared.model.media import Media
from shared.model.storyboard import Storyboard

_CELL = (900, 236)
_COLUMNS = 2
_MARGIN = 14
_LINE = 26
_POSTER, _BOARD, _PLACEHOLDER = (300, 169), (480, 169), (72, 72)
_TOP = 48
_TILES_A_ROW = 6
_PAPER, _INK, _FAINT, _ALARM = "#ffffff", "#1c1c1c", "#6b6b6b", "#a02020"


def main(folder: str, target: str) -> None:
    cells, failures = [], []
    for path in sorted(path for path in Path(folder).iterdir() if path.is_file()):
        try:
            with path.open("rb") as file, media.opened(FileSource(file)) as opened:
                cells.append(_cell(path.name, opened.media, opened.stills()))
        except UnplayableClip as failure:
            failures.append(f"{path.name}: failed, {failure.failure_code}")
    rows = -(-len(cells) // _COLUMNS)
    height = rows * _CELL[1] + len(failures) * _LINE + 2 * _MARGIN
    sheet = Image.new("RGB", (_COLUMNS * _CELL[0] + _MARGIN, height), _PAPER)
    for number, cell in enumerate(cells):
        row, column = divmod(number, _COLUMNS)
        sheet.paste(cell, (_MARGIN + column * _CELL[0], _MARGIN + row * _CELL[1]))
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(failures):
        place = (_MARGIN, _MARGIN + rows * _CELL[1] + number * _LINE)
        draw.text(place, line, fill=_ALARM, font=_font(16))
    sheet.save(target, "JPEG", quality=84, optimize=True, progressive=True)


def _cell(name: str, clip: Media, stills: Stills) -> Image.Image:
    cell = Image.new("RGB", (_CELL[0] - _MARGIN, _CELL[1] - _MARGIN), _PAPER)
    draw = ImageDraw.Draw(cell)
    draw.text((0, 0), name, fill=_INK, font=_font(17))
    draw.text((0, 24), _with_stills(_facts(clip), stills), fill=_FAINT, font=_font(14))
    if stills.poster is None:
        draw.text((0, _TOP), "no picture", fill=_FAINT, font=_font(14))
        return cell
    poster = Image.open(BytesIO(stills.poster.data))
    poster.thumbnail(_POSTER)
    cell.paste(poster, (0, _TOP))
    if stills.storyboard and stills.sheet:
        board = _board(stills.storyboard, Image.open(BytesIO(stills.sheet.data)))
        cell.paste(board, (_POSTER[0] + 8, _TOP))
    if stills.placeholder:
        place = (_POSTER[0] + _BOARD[0] + 16, _TOP)
        cell.paste(_placeholder(stills.placeholder), place)
    return cell


def _board(storyboard: Storyboard, sheet: Image.Image) -> Image.Image:
    """The tiles cut out, as a player does, and laid out anew to fit beside the poster."""
    width, height = storyboard.tile_width, storyboard.tile_height
    count = len(storyboard.starts)
    rows = -(-count // _TILES_A_ROW)
    board = Image.new("RGB", (min(count, _TILES_A_ROW) * width, rows * height), _PAPER)
    for number in range(count):
        x, y = storyboard.place(number)
        row, column = divmod(number, _TILES_A_ROW)
        tile = sheet.crop((x, y, x + width, y + height))
        board.paste(tile, (column * width, row * height))
    board.thumbnail(_BOARD)
    return board


def _facts(clip: Media) -> str:
    parts = [clip.container]
    if clip.video:
        video = clip.video
        parts += [f"{video.codec} {video.width} x {video.height}", video.hdr.value]
        parts += [f"turned by {video.rotation}"] if video.rotation else []
    if clip.audio:
        parts.append(f"{clip.audio.codec} {clip.audio.channels} ch")
    if clip.duration is not None:
        parts.append(f"{clip.duration:.1f} s")
    return ", ".join(parts)


def _with_stills(facts: str, stills: Stills) -> str:
    tiles = len(stills.storyboard.starts) if stills.storyboard else 0
    preview = f", preview {len(stills.preview.data) // 1000} kB" if stills.preview else ""
    return f"{facts}; {tiles} {'tile' if tiles == 1 else 'tiles'}{preview}"


def _placeholder(thumb_hash: str) -> Image.Image:
    width, height, rgba = thumb_hash_to_rgba(list(b64decode(thumb_hash)))
    image = Image.frombytes("RGBA", (width, height), bytes(rgba)).convert("RGB")
    scale = min(_PLACEHOLDER[0] / image.width, _PLACEHOLDER[1] / image.height)
    return image.resize((round(image.width * scale), round(image.height * scale)))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


if __name__ == "__main__":
    main(*sys.argv[1:])
