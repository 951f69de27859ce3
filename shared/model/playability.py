"""Which clips every current browser plays as they are, and what the others need. Pure.

The rule is what Chrome, Edge, Firefox and Safari all play, on desktops and phones. Sources:
MDN, "Media container formats" and "Web video codec guide"; caniuse.com for HEVC and AV1; the
codec table of Jellyfin's clients for 10 bits and 4:2:2; own measurements in Chromium 156 and
Firefox 153 (HEVC, ProRes, MJPEG and MPEG-4 ASP play as sound without a picture and without an
error; AC-3, E-AC-3 and ALAC as a picture without sound).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.model.media import Hdr, Media, VideoTrack

# The version of the rules below: raised when one of them changes, so that stored verdicts of an
# older version can be made again.
RULES = 3

_LARGEST_WIDTH, _LARGEST_HEIGHT = 4096, 2304
_PLAIN_FORMATS = {"yuv420p", "yuvj420p"}
_MP4_SOUND = {"aac", "mp3"}
_WEBM_VIDEO = {"vp8", "vp9"}
_WEBM_SOUND = {"vorbis", "opus"}


class PlaybackVerdict(StrEnum):
    """What a clip needs before every browser plays it, from nothing to what cannot be done.

    `direct`: nothing. `remux`: another container, or its index first; no encoding. `audio`: the
    picture is copied and the sound encoded. `transcode`: the picture is encoded.
    """

    DIRECT = "direct"
    REMUX = "remux"
    AUDIO = "audio"
    TRANSCODE = "transcode"
    IMPOSSIBLE = "impossible"


class PlaybackReason(StrEnum):
    """Why a clip does not play in every browser."""

    CONTAINER = "container"
    INDEX_LAST = "index_last"
    FRAGMENTED = "fragmented"
    AUDIO_CODEC = "audio_codec"
    VIDEO_CODEC = "video_codec"
    PIXEL_FORMAT = "pixel_format"
    HDR = "hdr"
    TIMESTAMPS = "timestamps"
    TOO_LARGE = "too_large"
    ENCRYPTED = "encrypted"
    NO_DECODER = "no_decoder"
    OVER_LIMITS = "over_limits"
    UNREADABLE = "unreadable"


_NEEDS = {
    PlaybackReason.CONTAINER: PlaybackVerdict.REMUX,
    PlaybackReason.INDEX_LAST: PlaybackVerdict.REMUX,
    PlaybackReason.FRAGMENTED: PlaybackVerdict.REMUX,
    PlaybackReason.AUDIO_CODEC: PlaybackVerdict.AUDIO,
    PlaybackReason.VIDEO_CODEC: PlaybackVerdict.TRANSCODE,
    PlaybackReason.PIXEL_FORMAT: PlaybackVerdict.TRANSCODE,
    PlaybackReason.HDR: PlaybackVerdict.TRANSCODE,
    PlaybackReason.TIMESTAMPS: PlaybackVerdict.TRANSCODE,
    PlaybackReason.TOO_LARGE: PlaybackVerdict.TRANSCODE,
    PlaybackReason.ENCRYPTED: PlaybackVerdict.IMPOSSIBLE,
    PlaybackReason.NO_DECODER: PlaybackVerdict.IMPOSSIBLE,
    PlaybackReason.OVER_LIMITS: PlaybackVerdict.IMPOSSIBLE,
    PlaybackReason.UNREADABLE: PlaybackVerdict.IMPOSSIBLE,
}
# Why nothing makes a failed clip play, by the codes of docs/errors.md; others are unreadable.
_OF_FAILURES = {
    "encrypted": PlaybackReason.ENCRYPTED,
    "no_playable_stream": PlaybackReason.NO_DECODER,
    "dimensions_too_large": PlaybackReason.OVER_LIMITS,
    "too_slow": PlaybackReason.OVER_LIMITS,
    "too_much_reading": PlaybackReason.OVER_LIMITS,
    "too_much_memory": PlaybackReason.OVER_LIMITS,
}
_ORDER = list(PlaybackVerdict)


@dataclass(frozen=True, slots=True)
class Playback:
    """A verdict by the rules of a version, and the reasons for it; none where it is `direct`."""

    verdict: PlaybackVerdict
    reasons: tuple[PlaybackReason, ...]
    rules: int = RULES


def playback_of_failed(failure_code: str) -> Playback:
    """The playback of a file that failed because it cannot be played: `impossible`."""
    reason = _OF_FAILURES.get(failure_code, PlaybackReason.UNREADABLE)
    return Playback(_NEEDS[reason], (reason,))


def playback_of(
    media: Media,
    *,
    fragmented: bool,
    lacks_decoder: bool = False,
    lacks_display_times: bool = False,
) -> Playback:
    """Whether a file plays in every browser.

    `fragmented` is that of an MP4 or MOV; `lacks_decoder` means a picture that nothing decodes,
    so that only the sound is left; `lacks_display_times` one whose packets cannot be copied.
    """
    reasons = tuple(dict.fromkeys(_reasons(media, fragmented=fragmented)))
    if lacks_display_times:
        reasons = (*reasons, PlaybackReason.TIMESTAMPS)
    if lacks_decoder:
        reasons = (*reasons, PlaybackReason.NO_DECODER)
    verdict = max((_NEEDS[reason] for reason in reasons), key=_ORDER.index, default=None)
    return Playback(verdict or PlaybackVerdict.DIRECT, reasons)


def _reasons(media: Media, *, fragmented: bool) -> Iterator[PlaybackReason]:
    if media.video is not None:
        yield from _reasons_of_picture(media.video)
    is_webm = media.container == "webm" if media.video is None else media.video.codec in _WEBM_VIDEO
    sound = _WEBM_SOUND if is_webm else _MP4_SOUND
    if media.audio is not None and media.audio.codec not in sound:
        yield PlaybackReason.AUDIO_CODEC
    if media.container not in _containers(media, is_webm=is_webm):
        yield PlaybackReason.CONTAINER
    elif fragmented:
        yield PlaybackReason.FRAGMENTED
    elif media.fast_start is False:
        yield PlaybackReason.INDEX_LAST


def _containers(media: Media, *, is_webm: bool) -> set[str]:
    if is_webm:
        # VP9 plays in an MP4 as well; VP8 has no place there.
        return {"webm"} if media.video is None or media.video.codec == "vp8" else {"webm", "mp4"}
    return {"mp4"} if media.video is not None else {"mp4", "m4a", "mp3"}


def _reasons_of_picture(video: VideoTrack) -> Iterator[PlaybackReason]:
    if video.codec not in {"h264", *_WEBM_VIDEO}:
        yield PlaybackReason.VIDEO_CODEC
    if video.pixel_format not in _PLAIN_FORMATS:
        yield PlaybackReason.PIXEL_FORMAT
    if video.hdr is not Hdr.SDR:
        yield PlaybackReason.HDR
    if video.coded_width > _LARGEST_WIDTH or video.coded_height > _LARGEST_HEIGHT:
        yield PlaybackReason.TOO_LARGE
