"""What a media file holds: its picture, its sound, its length."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType


class Hdr(StrEnum):
    """The transfer of a picture: standard, PQ (SMPTE ST 2084) or HLG (ARIB STD-B67)."""

    SDR = "sdr"
    HDR10 = "hdr10"
    HLG = "hlg"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTrack:
    """The picture. `width` x `height` are as displayed: after rotation, in square pixels.

    `coded_width` x `coded_height` are what the codec stores; `rotation` is how many degrees
    clockwise the coded picture is turned for display: 0, 90, 180 or 270. Names of codec,
    pixel format and colour properties are FFmpeg's.
    """

    codec: str
    profile: str | None
    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int
    frame_rate: float | None
    pixel_format: str | None
    hdr: Hdr
    color_primaries: str | None
    color_transfer: str | None
    color_space: str | None
    color_range: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTrack:
    """The first sound track; `sample_rate` in Hz."""

    codec: str
    channels: int
    sample_rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The media properties of a file. `bit_rate` is the bits per second of the whole file.

    `fast_start` says whether a player can begin before the whole file is loaded:
    for MP4 and MOV, whether `moov` precedes `mdat`; None where the question has no meaning.
    """

    container: str
    duration: float | None
    bit_rate: int | None
    fast_start: bool | None
    video: VideoTrack | None
    audio: AudioTrack | None


# A Media as JSON: the catalogue stores it, and responses repeat it unparsed.
MediaJson = NewType("MediaJson", str)
