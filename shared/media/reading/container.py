"""Opening a file with FFmpeg under guard, and turning FFmpeg's errors into failure codes.

Owns every option that keeps a hostile file from reading other files, reaching a host or taking
the machine. Knows nothing of what is then done with the tracks.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, Protocol, cast

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from shared.media.failures import FailureCode, unplayable
from shared.media.inspect.formats import (
    ACCEPTED_FORMATS,
    FORMATS_ENTERED_ANYWHERE,
    OTHER_FORMATS,
)
from shared.media.inspect.layout import Layout
from shared.media.reading.byte_source import Limits
from shared.media.reading.entry_points import FLV_HEAD
from shared.media.reading.memory import memory_was_refused
from shared.media.reading.source import SourceFile

# Frames are decoded one at a time, so more threads would only hold more memory.
DECODER_THREADS = 2

# The index of a Matroska file, for which FFmpeg looks when it first seeks, is not larger.
SEARCH_BYTES = 2 * 1024 * 1024

# Where the first frame is, if a search by time may pass it over. The last tag of an FLV has the
# time of the last frame, in whose place it is in the index. The first keyframe of an MPEG stream
# may lack a decoding time once FFmpeg has seen frames out of order.
_FIRST_PLACES = {"flv": FLV_HEAD, "mpegts": 0, "mpeg": 0}


class Readable(Protocol):
    """Bytes that can be read once, from end to end."""

    def read(self, size: int) -> bytes:
        """Returns up to `size` bytes, none at the end."""


@contextmanager
def open_container(file: SourceFile, limits: Limits, layout: Layout) -> Iterator[InputContainer]:
    """Opens `file` and reads what FFmpeg needs to describe its tracks; closes it in the end.

    What `layout` does not know as MP4 is not tried as one: its tables have not been checked.

    Raises UnplayableClip (`not_a_video`, `undecodable`, or the code of a limit that was reached)
    and any exception of the source, unchanged.
    """
    code = FailureCode.UNDECODABLE if layout.container else FailureCode.NOT_A_VIDEO
    with ffmpeg_errors(file, code):
        container = av.open(
            file,
            "r",
            options={
                "format_whitelist": ACCEPTED_FORMATS if layout.is_mp4 else OTHER_FORMATS,
                "protocol_whitelist": "none",  # there is no such protocol: nothing else is opened
                "max_pixels": str(limits.max_pixels),
            },
            io_open=_refuse,
        )
    with container:
        for stream in container.streams.video:
            if stream.codec_context is not None:
                _prepare_decoder(stream, limits)
        yield container


def open_stream(stream: Readable, format_name: str) -> InputContainer:
    """Opens a stretch of a file that is already open, as a stream of its own, to demux it.

    Hardly anything is read to describe its tracks, which are known. The caller closes the
    container, and handles FFmpeg's errors.
    """
    return av.open(
        stream,
        "r",
        format=format_name,
        options={"protocol_whitelist": "none", "probesize": "65536", "analyzeduration": "1"},
        io_open=_refuse,
    )


@contextmanager
def ffmpeg_errors(file: SourceFile, code: FailureCode) -> Iterator[None]:
    """Raises `code` for what FFmpeg raises inside, unless reading is to blame: then that.

    Reading is checked in any case, because FFmpeg takes a failed read for the end of the file.
    """
    try:
        yield
    except av.FFmpegError as error:
        if not is_damage(error):
            raise
        file.check()
        raise unplayable(code) from error
    except av.codec.codec.UnknownCodecError as error:  # the stream has changed its codec on the way
        file.check()
        raise unplayable(code) from error
    file.check()


def rewind(container: InputContainer, file: SourceFile, *streams: Stream) -> None:
    """Goes back to the beginning, by the index of the first of `streams` that allows it.

    Matroska refuses where a track has no keyframe in its index.
    """
    if goes_to_first_place(container):
        return
    for stream in (None, *streams):
        try:
            with searching(container, file, SEARCH_BYTES):
                container.seek(0, stream=stream)
        except av.FFmpegError as error:
            if not is_damage(error):
                raise
        else:
            return


def goes_to_first_place(container: InputContainer) -> bool:
    """Goes to where the first frame is stored, in the formats that have it in one place.

    Returns False in others.
    """
    place = _FIRST_PLACES.get(container.format.name)
    if place is not None:
        container.seek(place, unsupported_byte_offset=True)
    return place is not None


@contextmanager
def searching(container: InputContainer, file: SourceFile, max_bytes: int) -> Iterator[None]:
    """Meanwhile FFmpeg may read so much of a file that it would search to its end for a keyframe.

    It goes to the last keyframe that it has seen by then.
    """
    if container.format.name not in FORMATS_ENTERED_ANYWHERE:
        yield
        return
    with file.reading_at_most(max_bytes):
        yield


def is_damage(error: av.FFmpegError) -> bool:
    """Distinguishes errors of the file from memory that was really refused.

    To be asked at once, where the error is caught: see `memory.memory_was_refused`.
    """
    return not (isinstance(error, MemoryError) and memory_was_refused())


def another_decoder(stream: VideoStream, *, strict: bool) -> VideoCodecContext:
    """Returns a second decoder for a track, with the bounds of the first.

    FFmpeg hides damage as far as it can. A strict decoder raises an error for it: in one thread
    only, as FFmpeg ignores the errors of threads.
    """
    first = stream.codec_context
    context = cast("VideoCodecContext", CodecContext.create(first.codec, "r"))
    context.extradata = first.extradata
    context.pkt_timebase = stream.time_base
    options = {**first.options, "err_detect": "explode"} if strict else first.options
    _prepare(context, options, 1 if strict else DECODER_THREADS)
    return context


def _prepare_decoder(stream: VideoStream, limits: Limits) -> None:
    _prepare(stream.codec_context, {"max_pixels": str(limits.max_pixels)}, DECODER_THREADS)


def _prepare(context: VideoCodecContext, options: dict[str, str], threads: int) -> None:
    """Bounds memory and threads; FFmpeg heeds this only before the first frame."""
    context.options = options
    context.thread_count = threads
    # Threads over the slices of one frame; threads over frames would hold several at once.
    context.thread_type = "SLICE"


def _refuse(url: str, _flags: int, _options: dict[str, str]) -> NoReturn:
    """Refuses to open another file for a demuxer; called only if the whitelists have a gap."""
    raise av.error.PermissionError(errno.EPERM, "a clip may not open anything else", url)
