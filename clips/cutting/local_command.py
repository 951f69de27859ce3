"""Cuts a clip out of a local file, by the same code as the service.

    python -m clips.cut match.mov 12.5 20 --accuracy frame --output goal.mp4

Needs no settings, no storage and no database.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from shared.errors import CliplinkError
from shared.media import Limits
from shared.media.cutting.by_encoding.encoders import ENCODERS
from shared.media.cutting.by_index.mp4_film import read_film
from shared.media.cutting.clip_maker import CutRange, copy_clip, encode_clip
from shared.media.cutting.methods import cut_by_first, methods_for
from shared.media.cutting.result import check_film
from shared.media.media_file import opened_tracks
from shared.model.cut_method import Accuracy, CutMethod

DONE, FAILED, USAGE = 0, 1, 2

_PIECE = 8 * 1024 * 1024
_UNBOUNDED = Limits(max_bytes=1 << 50, max_seconds=1e9)


class OpenedFile:
    """A file as a source of ranges."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = os.fstat(self._file.fileno()).st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`, fewer only at the end; threads may share it."""
        return os.pread(self._file.fileno(), length, offset)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    given = _parser().parse_args(arguments)
    if not 0 <= given.start < given.end:
        sys.stderr.write("START must not be negative, and END must be greater than START.\n")
        return USAGE
    output = given.output or given.source.with_name(f"{given.source.stem}-cut.mp4")
    wanted = CutRange(start=given.start, end=given.end, accuracy=Accuracy(given.accuracy))
    unfinished = output.with_name(f"{output.name}.part")
    try:
        with OpenedFile(given.source) as source:
            start, end, method = _cut(source, wanted, unfinished, given.encoder)
        unfinished.replace(output)
    except (CliplinkError, OSError) as error:
        unfinished.unlink(missing_ok=True)
        sys.stderr.write(f"{error}\n")
        return FAILED
    sys.stdout.write(f"{output}: {start:.3f} s to {end:.3f} s, by {method}\n")
    return DONE


def _cut(
    source: OpenedFile, wanted: CutRange, output: Path, encoder: str
) -> tuple[float, float, CutMethod]:
    """Returns the span of the source that the clip shows, and the method: the first that works."""
    with opened_tracks(source, _UNBOUNDED) as (_, _, tracks):
        has_picture = tracks.video is not None

    def cut(method: CutMethod) -> tuple[float, float]:
        span = _cut_by(method, source, wanted, output, encoder)
        with OpenedFile(output) as clip:
            check_film(clip, has_picture=has_picture)
        return span

    method, (start, end) = cut_by_first(methods_for(wanted.accuracy), cut)
    return start, end, method


def _cut_by(
    method: CutMethod, source: OpenedFile, wanted: CutRange, output: Path, encoder: str
) -> tuple[float, float]:
    if method is CutMethod.STORAGE_COPY:
        return _by_index(source, wanted, output)
    with _Media(output) as media:
        if method is CutMethod.PACKETS:
            film = copy_clip(source, wanted, media.add, block=_PIECE, limits=_UNBOUNDED)
        else:
            film = encode_clip(
                source,
                wanted,
                encoder,
                media.add,
                block=_PIECE,
                limits=_UNBOUNDED,
                check=lambda: None,
            )
        media.finish(film.beginning)
    return float(film.start), float(film.end)


def _by_index(source: OpenedFile, wanted: CutRange, output: Path) -> tuple[float, float]:
    span, cut = read_film(source).cut(wanted.start, wanted.end, wanted.accuracy)
    with output.open("wb") as file:
        file.write(cut.header)
        for offset, length in cut.ranges:
            for at in range(offset, offset + length, _PIECE):
                file.write(source.read(at, min(_PIECE, offset + length - at)))
    return float(span.start), float(span.end)


class _Media:
    """The media of an MP4, in a file beside the output until their header is known."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._kept = output.with_name(f"{output.name}.media")

    def __enter__(self) -> Self:
        self._file = self._kept.open("w+b")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._kept.unlink()

    def add(self, data: bytes) -> None:
        self._file.write(data)

    def finish(self, beginning: bytes) -> None:
        self._file.seek(0)
        with self._output.open("wb") as file:
            file.write(beginning)
            while piece := self._file.read(_PIECE):
                file.write(piece)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m clips.cut",
        description="Cuts a clip out of a local file: by its index, by packets, or by encoding.",
        epilog="Exit codes: 0 done, 1 the clip could not be cut, 2 wrong usage.",
    )
    parser.add_argument("source", type=Path, metavar="SOURCE")
    parser.add_argument("start", type=float, metavar="START", help="seconds")
    parser.add_argument("end", type=float, metavar="END", help="seconds")
    parser.add_argument("--output", type=Path, help="default: SOURCE-cut.mp4")
    parser.add_argument(
        "--accuracy",
        choices=list(Accuracy),
        default=Accuracy.KEYFRAME,
        help="begin at the keyframe before START (default), at the frame by an edit list, or at "
        "the frame by encoding",
    )
    parser.add_argument("--encoder", choices=list(ENCODERS), default="libx264")
    return parser
