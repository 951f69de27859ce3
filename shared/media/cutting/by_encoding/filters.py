"""From decoded frames to frames that every browser shows: upright, square pixels, 8 bit, BT.709.

FFmpeg's filters do the work. HDR is brought down to a normal screen by the curve of the posters,
as a table of colours: the wheel has no filter that knows PQ or HLG.
"""

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import av.filter
from av import VideoFrame
from av.filter import Graph
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

from shared.media.inspect.probe import pixel_shape
from shared.media.pictures.color import hdr_of, matrix_of, range_of, screen_color
from shared.media.pictures.cropping import Cropping, cropping_of
from shared.media.pictures.orientation import Orientation
from shared.media.pictures.picture import Size, square_size, within
from shared.model.media import Hdr

_TABLE_SIDE = 33
_TURNS = {0: (), 90: ("transpose=clock",), 180: ("hflip", "vflip"), 270: ("transpose=cclock",)}
_MATRIX_NAMES = {
    Colorspace.ITU709: "bt709",
    Colorspace.FCC: "fcc",
    Colorspace.ITU601: "bt601",
    Colorspace.SMPTE240M: "smpte240m",
    Colorspace.BT2020: "bt2020",
}
_TO_709 = "out_color_matrix=bt709:out_range=tv"


class BrowserFrames:
    """Converts the frames of one track; `size` is that of the result: even, at most `box`."""

    def __init__(self, stream: VideoStream, orientation: Orientation, box: Size) -> None:
        context = stream.codec_context
        self._decoded = (context.width, context.height)
        self._cropping = cropping_of(stream)
        square = square_size(self._cropping.size(self._decoded), pixel_shape(stream))
        upright_box = (box[1], box[0]) if orientation.sideways else box
        width, height = within(square, upright_box)
        self._coded = (_even(width), _even(height))
        self.size = self._coded[::-1] if orientation.sideways else self._coded
        self._time_base = Fraction(stream.time_base.num, stream.time_base.den)
        self._orientation = orientation
        self._hdr = hdr_of(context.color_trc)
        self._graph: Graph | None = None
        self._made_for: tuple[object, ...] = ()

    def converted(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """The frame as it is to be encoded, with its time."""
        made_for = (frame.width, frame.height, frame.format.name)
        if self._graph is None or made_for != self._made_for:
            yield from self.rest()  # the picture changes its size or format within the film
            self._graph, self._made_for = self._graph_for(frame), made_for
        self._graph.push(frame)
        yield from _pulled(self._graph)

    def rest(self) -> Iterator[VideoFrame]:
        """What the filters still hold."""
        if self._graph is not None:
            self._graph.push(None)
            yield from _pulled(self._graph)
            self._graph = None

    def _graph_for(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=self._time_base,
        )
        last = source
        for text in self._filters(frame):
            name, _, arguments = text.partition("=")
            step = graph.add(name, arguments or None)
            last.link_to(step)
            last = step
        last.link_to(graph.add("buffersink"))
        graph.configure()
        return graph

    def _is_plain(self, frame: VideoFrame) -> bool:
        """Whether the colours and the size are right as they are: to scale would cost a tenth."""
        size = (frame.width, frame.height)
        plain = frame.format.name == "yuv420p" and range_of(frame) is None
        return plain and size == self._coded and matrix_of(frame) is Colorspace.ITU709

    def _filters(self, frame: VideoFrame) -> Iterator[str]:
        width, height = self._coded
        if frame.interlaced_frame:
            yield "bwdif=mode=send_frame:deint=interlaced"
        if self._cropping != Cropping() and (frame.width, frame.height) == self._decoded:
            left, top, right, bottom = self._cropping.box(self._decoded)
            yield f"crop=w={right - left}:h={bottom - top}:x={left}:y={top}"
        if self._hdr is Hdr.SDR:
            if not self._is_plain(frame):
                yield f"scale=w={width}:h={height}:{_matrix_name(frame)}{_TO_709}"
        else:
            # Smaller first: the table of colours costs more than all else.
            yield f"scale=w={width}:h={height}:in_color_matrix=bt2020:out_range=pc"
            yield "format=pix_fmts=gbrp10le"
            yield f"lut3d=file={_table(self._hdr)}:interp=tetrahedral"
            yield f"scale={_TO_709}"
        yield "format=pix_fmts=yuv420p"
        if self._orientation.mirrored:
            yield "vflip"
        yield from _TURNS[self._orientation.rotation]
        yield "setsar=r=1"


def _matrix_name(frame: VideoFrame) -> str:
    """The colour matrix as an option of the scaler, which takes untagged frames for BT.601."""
    matrix = matrix_of(frame)
    return "" if matrix is None else f"in_color_matrix={_MATRIX_NAMES[matrix]}:"


def _even(length: int) -> int:
    return max(2, length // 2 * 2)


def _pulled(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(frame, VideoFrame):
            yield frame


@cache
def _table(hdr: Hdr) -> Path:
    """A file with the colours of a screen for those of an HDR picture; made once in a process."""
    steps = range(_TABLE_SIDE)
    lines = [f"LUT_3D_SIZE {_TABLE_SIDE}"]
    for blue in steps:
        for green in steps:
            for red in steps:
                code = (red / steps[-1], green / steps[-1], blue / steps[-1])
                lines.append("{:.6f} {:.6f} {:.6f}".format(*screen_color(hdr, code)))
    folder = Path(tempfile.mkdtemp(prefix="cliplink-"))
    path = folder / f"{hdr}.cube"
    path.write_text("\n".join(lines) + "\n")
    return path
