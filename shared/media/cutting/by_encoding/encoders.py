"""The encoders that clips are made with, and how they are set."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import cast

from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from shared.media.cutting.by_encoding.sound import SOUND_RATE

_SOUND_BIT_RATE = 160_000
# Seconds between keyframes: a player that seeks has to decode from the keyframe before.
_SECONDS_OF_A_GROUP = 2
_THREADS = 2
_COMMON_RATE = Fraction(30)
_FASTEST, _SLOWEST = Fraction(240), Fraction(1)


@dataclass(frozen=True, slots=True)
class VideoEncoder:
    """An encoder by FFmpeg's name, with the options that balance quality, size and time."""

    name: str
    options: Mapping[str, str]
    sound: str


# x264 is under the GPL: see docs/adr. The others are for those who may not use GPL code.
ENCODERS: Mapping[str, VideoEncoder] = MappingProxyType(
    {
        "libx264": VideoEncoder("libx264", {"preset": "veryfast", "crf": "21"}, "aac"),
        "libsvtav1": VideoEncoder("libsvtav1", {"preset": "10", "crf": "32"}, "aac"),
        "libvpx-vp9": VideoEncoder(
            "libvpx-vp9",
            {"deadline": "realtime", "cpu-used": "8", "crf": "32", "b": "0", "row-mt": "1"},
            "libopus",
        ),
    }
)


def add_video(
    muxer: OutputContainer, encoder: VideoEncoder, size: tuple[int, int], source: VideoStream
) -> VideoStream:
    """A track of pictures; times are in the units of the source, so that they stay exact."""
    rate = _rate_of(source)
    stream = cast(
        "VideoStream", muxer.add_stream(encoder.name, rate=rate, options=dict(encoder.options))
    )
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.gop_size = max(1, round(rate * _SECONDS_OF_A_GROUP))
    context = stream.codec_context
    context.time_base = Fraction(source.time_base.num, source.time_base.den)
    context.thread_count = _THREADS
    context.color_primaries = context.color_trc = context.colorspace = 1  # BT.709
    context.color_range = 1
    return stream


def add_sound(muxer: OutputContainer, encoder: VideoEncoder) -> AudioStream:
    """A stereo track of sound."""
    stream = cast("AudioStream", muxer.add_stream(encoder.sound, rate=SOUND_RATE))
    stream.codec_context.layout = "stereo"
    stream.codec_context.bit_rate = _SOUND_BIT_RATE
    return stream


def _rate_of(source: VideoStream) -> Fraction:
    rate = source.average_rate
    if rate is None or rate.den <= 0 or rate.num <= 0:
        return _COMMON_RATE
    return min(max(Fraction(rate.num, rate.den), _SLOWEST), _FASTEST).limit_denominator(1001)
