"""One clip, opened: what it is and what it shows. The package is used through this module only.

It calls the other modules in their order.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction

from av.container import InputContainer
from av.stream import Discard
from av.video.stream import VideoStream

from shared.errors import UnplayableClip
from shared.media.failures import FailureCode, unplayable
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.keyframes import still
from shared.media.frames.playback import frame_at
from shared.media.inspect.clock_joints import join_clock
from shared.media.inspect.display_times import lacks_display_times
from shared.media.inspect.frame_rates import Pace, pace_of
from shared.media.inspect.headers import read_layout
from shared.media.inspect.layout import Layout
from shared.media.inspect.probe import describe
from shared.media.inspect.riff import with_rate_of_codec
from shared.media.inspect.tracks import Tracks, check_complete, find_tracks, has_unknown_picture
from shared.media.pictures.picture import encoded
from shared.media.pictures.rendering import Renderer
from shared.media.pictures.stills import Stills, stills_of, stills_of_cover
from shared.media.reading.byte_source import ByteSource, Limits
from shared.media.reading.container import ffmpeg_errors, open_container
from shared.media.reading.memory import bounded_memory
from shared.media.reading.source import BLOCK_BYTES, WHOLE_BYTES, SourceFile
from shared.model.link import ImageFormat
from shared.model.playability import Playback, playback_of


@contextmanager
def opened(
    source: ByteSource,
    limits: Limits | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator["MediaFile"]:
    """Opens a clip by ranged reads and describes it; nothing but `source` is ever read.

    `clock` gives seconds and drives the deadline of `limits`.

    Raises UnplayableClip if the file is at fault (`failure_code` is one of `FailureCode`), Busy if
    there is no memory for it beside the other files that are open, and any exception of `source`,
    unchanged.
    """
    limits = limits or Limits()
    file = SourceFile(source, limits, clock)
    with _open(file, limits) as (container, layout):
        yield MediaFile(container, layout, file, limits)


@contextmanager
def opened_tracks(
    source: ByteSource, limits: Limits
) -> Iterator[tuple[InputContainer, SourceFile, Tracks]]:
    """As `opened`, without a description of the film: for what copies or encodes its tracks.

    Nothing is read but headers, where a description may look at the end of the file.
    """
    file = SourceFile(source, limits)
    with _open(file, limits) as (container, layout):
        tracks = find_tracks(container, layout, file, limits)
        check_complete(tracks, layout, file)
        with ffmpeg_errors(file, FailureCode.UNDECODABLE):
            yield container, file, tracks


@contextmanager
def _open(file: SourceFile, limits: Limits) -> Iterator[tuple[InputContainer, Layout]]:
    if file.size <= WHOLE_BYTES:
        file.read_ahead(WHOLE_BYTES)
    layout = _checked_layout(file)
    with bounded_memory(file.size):
        if layout.doubtful_rate_at is not None:
            layout = with_rate_of_codec(layout, _rate_of_codec(file, limits, layout))
        file.correct(layout.corrections)
        join_clock(file)
        with open_container(file, limits, layout) as container:
            file.use_blocks_of(BLOCK_BYTES)  # FFmpeg has read the headers; the pictures come next
            yield container, layout


def _rate_of_codec(file: SourceFile, limits: Limits, layout: Layout) -> Fraction | None:
    """Returns the frame rate that the data of the first picture track has, None if it has none."""
    with open_container(file, limits, layout) as container:
        videos = [each for each in container.streams.video if each.codec_context is not None]
        rate = videos[0].codec_context.framerate if videos else None
    file.seek(0)
    return Fraction(rate.num, rate.den) if rate and rate.den > 0 else None


def _checked_layout(file: SourceFile) -> Layout:
    """Reads the outermost structure, and refuses what needs no FFmpeg to be refused."""
    if file.size == 0:
        raise unplayable(FailureCode.EMPTY_FILE)
    layout = read_layout(file)
    if layout.still_picture:
        raise unplayable(FailureCode.NOT_A_VIDEO)
    if layout.truncated:
        raise unplayable(FailureCode.TRUNCATED)
    if layout.cannot_be_shown:
        raise unplayable(FailureCode.ENCRYPTED)
    return layout


class MediaFile:
    """An open clip. `media` is the contract's block of that name.

    `container`, `file` and `tracks` are for the modules of this package.
    """

    def __init__(
        self, container: InputContainer, layout: Layout, file: SourceFile, limits: Limits
    ) -> None:
        """For `opened` only."""
        self.container = container
        self._layout = layout
        self.file = file
        self.tracks: Tracks = find_tracks(container, layout, file, limits)
        check_complete(self.tracks, layout, file)
        video = self.tracks.video
        with ffmpeg_errors(file, FailureCode.UNDECODABLE):
            pace = pace_of(container, video, layout, file) if video else Pace()
            self.media = describe(container, self.tracks, layout, file, pace)
        self._film = self._film_of(video, pace.first) if video else None
        if video and layout.is_mp4:
            _skip_other_tracks(container, video)

    @property
    def playback(self) -> Playback:
        """Whether every browser plays the file as it is."""
        video = self.tracks.video
        return playback_of(
            self.media,
            fragmented=self._layout.fragmented,
            lacks_decoder=video is None and has_unknown_picture(self.container),
            lacks_display_times=video is not None and lacks_display_times(self.container, video),
        )

    @property
    def bytes_read(self) -> int:
        """How many bytes have been read from the source so far."""
        return self.file.bytes_read

    @property
    def requests(self) -> int:
        """How many reads the source has answered so far."""
        return self.file.requests

    def stills(self) -> Stills:
        """Returns posters, placeholder, storyboard and preview; a sound file has its cover or none.

        Raises UnplayableClip (`undecodable` when no frame can be had, or the code of a limit that
        was reached before the first) and any exception of the source, unchanged.
        """
        if self._film is not None:
            return stills_of(self._film, self._renderer(self._film), self.media.duration)
        with suppress(UnplayableClip):  # the sound plays without its cover
            cover = self._cover()
            if cover is not None:
                return stills_of_cover(*cover)
        return Stills()

    def frame_at(
        self,
        seconds: float,
        width: int,
        format: ImageFormat = ImageFormat.JPEG,  # noqa: A002 - what it is called everywhere
    ) -> bytes:
        """Returns what is shown `seconds` into the clip, at most `width` pixels wide.

        Exactly the last frame at or before that time; the first or last one outside of the clip.
        Upright, square pixels, never enlarged. A sound file shows its cover at any time.

        Raises UnplayableClip (`undecodable` when no frame can be had, or the code of a limit that
        was reached) and any exception of the source, unchanged.
        """
        if self._film is not None:
            frame = frame_at(self._film, seconds)
            found = (frame, self._renderer(self._film)) if frame else None
        else:
            found = self._cover()
        if found is None:
            raise unplayable(FailureCode.UNDECODABLE)
        return _still(*found, width, format)

    def _cover(self) -> tuple[TimedFrame, Renderer] | None:
        if self.tracks.cover is None:
            return None
        film = self._film_of(self.tracks.cover)
        frame = still(film)
        return (frame, self._renderer(film)) if frame else None

    def _film_of(self, stream: VideoStream, first: int | None = None) -> Film:
        return Film(
            self.container,
            stream,
            self.file,
            self._layout,
            clip_seconds=self.media.duration,
            frame_rate=self.media.video.frame_rate if self.media.video else None,
            first_seen=first,
        )

    def _renderer(self, film: Film) -> Renderer:
        return Renderer(film.stream, self.tracks.orientation)


def _skip_other_tracks(container: InputContainer, stream: VideoStream) -> None:
    """Lets FFmpeg read no samples of other tracks, which lie anywhere else in an MP4."""
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all


def _still(shown: TimedFrame, renderer: Renderer, width: int, file_format: ImageFormat) -> bytes:
    return encoded(renderer.picture(shown.frame, (width, 3 * width)), file_format).data
