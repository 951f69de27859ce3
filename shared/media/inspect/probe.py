"""From an open container to `shared.model.Media`, the contract's `media` block."""

from fractions import Fraction

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from shared.media.inspect import timing
from shared.media.inspect.formats import (
    COLOR_PRIMARIES,
    COLOR_RANGES,
    COLOR_SPACES,
    COLOR_TRANSFERS,
    short_name,
)
from shared.media.inspect.frame_rates import Pace
from shared.media.inspect.layout import Layout
from shared.media.inspect.tracks import Tracks
from shared.media.pictures.color import hdr_of
from shared.media.pictures.cropping import cropping_of
from shared.media.pictures.orientation import Orientation
from shared.media.pictures.picture import displayed_size
from shared.media.reading.bounds import believable_bit_rate
from shared.media.reading.source import SourceFile
from shared.model.media import AudioTrack, Media, VideoTrack


def describe(
    container: InputContainer, tracks: Tracks, layout: Layout, file: SourceFile, pace: Pace
) -> Media:
    """Returns the media block of an open file.

    Raises what FFmpeg and the source raise.
    """
    duration = timing.duration(container, tracks, layout, file, pace)
    return Media(
        container=layout.container or short_name(container.format.name),
        duration=duration,
        bit_rate=believable_bit_rate(file.size, duration),
        fast_start=layout.fast_start,
        video=_video(tracks.video, tracks.orientation, pace.rate) if tracks.video else None,
        audio=_audio(tracks.audio) if tracks.audio else None,
    )


def pixel_shape(stream: VideoStream) -> Fraction:
    """Returns the sample aspect ratio, 0 when unknown."""
    ratio = stream.sample_aspect_ratio
    return Fraction(ratio.num, ratio.den) if ratio and ratio.den > 0 else Fraction(0)


def _video(stream: VideoStream, orientation: Orientation, rate: float | None) -> VideoTrack:
    context = stream.codec_context
    coded = (context.width, context.height)
    shown = cropping_of(stream).size(coded)
    width, height = displayed_size(shown, pixel_shape(stream), orientation)
    return VideoTrack(
        codec=context.codec.canonical_name,
        profile=context.profile,
        width=width,
        height=height,
        coded_width=coded[0],
        coded_height=coded[1],
        rotation=orientation.rotation,
        frame_rate=rate,
        pixel_format=context.pix_fmt,
        hdr=hdr_of(context.color_trc),
        color_primaries=COLOR_PRIMARIES.get(context.color_primaries),
        color_transfer=COLOR_TRANSFERS.get(context.color_trc),
        color_space=COLOR_SPACES.get(context.colorspace),
        color_range=COLOR_RANGES.get(context.color_range),
    )


def _audio(stream: AudioStream) -> AudioTrack:
    return AudioTrack(
        codec=stream.codec_context.codec.canonical_name,
        channels=stream.codec_context.channels,
        sample_rate=stream.sample_rate,
    )
