"""One clip, opened: what it is and its poster. The only door into this package.

The parts are in the modules beside; this one puts them in order.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from av import FFmpegError, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.errors import UnplayableClip
from shared.media.color import hdr_of, to_srgb
from shared.media.container import ffmpeg_errors, open_container
from shared.media.failures import FailureCode, unplayable
from shared.media.keyframes import Keyframes
from shared.media.layout import Layout, read_layout
from shared.media.picture import bounded, square_size, to_jpeg, upright
from shared.media.poster import best_frame
from shared.media.probe import Tracks, check_complete, describe, find_tracks, pixel_shape
from shared.media.source import ByteSource, Limits, SourceFile

POSTER_LONGEST_SIDE = 1280


@contextmanager
def opened(
    source: ByteSource,
    limits: Limits | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator["MediaFile"]:
    """Open a clip by ranged reads and describe it; nothing but `source` is ever read.

    `clock` gives seconds and drives the deadline of `limits`.

    Raises:
        UnplayableClip: the file is at fault; `failure_code` is one of `FailureCode`.
        BaseException: whatever `source` raised, unchanged.
    """
    limits = limits or Limits()
    file = SourceFile(source, limits, clock)
    layout = _checked_layout(file)
    known_format = layout.container is not None
    with open_container(file, limits, known_format=known_format) as container:
        yield MediaFile(container, layout, file, limits)


def _checked_layout(file: SourceFile) -> Layout:
    """Read the outermost structure, and refuse what needs no FFmpeg to be refused."""
    if file.size == 0:
        raise unplayable(FailureCode.EMPTY_FILE)
    layout = read_layout(file)
    if layout.still_picture:
        raise unplayable(FailureCode.NOT_A_VIDEO)
    if layout.truncated:
        raise unplayable(FailureCode.TRUNCATED)
    return layout


class MediaFile:
    """An open clip. `media` is the contract's block of that name."""

    def __init__(
        self, container: InputContainer, layout: Layout, file: SourceFile, limits: Limits
    ) -> None:
        """For `opened` only."""
        self._container = container
        self._layout = layout
        self._file = file
        self._tracks: Tracks = find_tracks(container, limits)
        check_complete(self._tracks, layout, file)
        with ffmpeg_errors(file, FailureCode.UNDECODABLE):
            self.media = describe(container, self._tracks, layout, file)

    @property
    def bytes_read(self) -> int:
        """How many bytes have been read from the source so far."""
        return self._file.bytes_read

    @property
    def requests(self) -> int:
        """How many reads the source has answered so far."""
        return self._file.requests

    def poster(self, longest_side: int = POSTER_LONGEST_SIDE) -> bytes | None:
        """Return a good frame as JPEG: upright, square pixels, screen colours, never enlarged.

        No side exceeds `longest_side` pixels. A sound file gives its cover, or None.

        Raises:
            UnplayableClip: `undecodable` when no frame can be had, or a limit was reached.
            BaseException: whatever the source raised, unchanged.
        """
        film, cover = self._tracks.video, self._tracks.cover
        if film is not None:
            frame = best_frame(self._keyframes(film))
            if frame is None:
                raise unplayable(FailureCode.UNDECODABLE)
            return self._jpeg(frame, film, longest_side)
        if cover is not None:
            with suppress(UnplayableClip):  # the sound plays without its cover
                frame = self._keyframes(cover).still()
                return self._jpeg(frame, cover, longest_side) if frame else None
        return None

    def _keyframes(self, stream: VideoStream) -> Keyframes:
        return Keyframes(self._container, stream, self._file, self._layout)

    def _jpeg(self, frame: VideoFrame, stream: VideoStream, longest_side: int) -> bytes:
        square = square_size((frame.width, frame.height), pixel_shape(stream))
        hdr = hdr_of(stream.codec_context.color_trc)
        try:
            image = to_srgb(frame, bounded(square, longest_side), hdr)
        except FFmpegError as error:
            raise unplayable(FailureCode.UNDECODABLE) from error
        return to_jpeg(upright(image, self._tracks.orientation))
