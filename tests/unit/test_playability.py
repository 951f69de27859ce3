"""Whether a clip plays in every browser, by the rules of `shared/model/playability.py`."""

from dataclasses import replace

import pytest

from shared.model.media import Hdr, Media
from shared.model.playability import (
    PlaybackReason,
    PlaybackVerdict,
    playback_of,
    playback_of_failed,
)
from tests.media.described import FULL_HD, STEREO

FILM = Media(
    container="mp4", duration=10.0, bit_rate=None, fast_start=True, video=FULL_HD, audio=STEREO
)
VP9 = replace(
    FILM,
    container="webm",
    fast_start=None,
    video=replace(FULL_HD, codec="vp9"),
    audio=replace(STEREO, codec="opus"),
)


def with_picture(**changes: object) -> Media:
    return replace(FILM, video=replace(FULL_HD, **changes))  # type: ignore[arg-type]  # any field


def with_sound(codec: str) -> Media:
    return replace(FILM, audio=replace(STEREO, codec=codec))


@pytest.mark.parametrize(
    "media",
    [
        FILM,
        replace(FILM, audio=None),
        with_sound("mp3"),
        VP9,
        replace(VP9, audio=None),
        replace(FILM, video=None, container="m4a"),
        replace(FILM, video=None, container="mp3", fast_start=None),
        replace(VP9, video=None),
    ],
)
def test_clip_that_every_browser_plays_is_direct(media: Media) -> None:
    playback = playback_of(media, fragmented=False)
    assert (playback.verdict, playback.reasons) == (PlaybackVerdict.DIRECT, ())


@pytest.mark.parametrize(
    ("media", "verdict", "reason"),
    [
        (replace(FILM, container="mov"), "remux", "container"),
        (replace(FILM, container="matroska", fast_start=None), "remux", "container"),
        (replace(FILM, container="mpegts", fast_start=None), "remux", "container"),
        (replace(FILM, fast_start=False), "remux", "index_last"),
        (replace(VP9, container="matroska"), "remux", "container"),
        (replace(FILM, video=None, container="aac", fast_start=None), "remux", "container"),
        (with_sound("ac3"), "audio", "audio_codec"),
        (with_sound("opus"), "audio", "audio_codec"),
        (with_sound("pcm_s16le"), "audio", "audio_codec"),
        (replace(VP9, audio=STEREO), "audio", "audio_codec"),
        (with_picture(codec="hevc"), "transcode", "video_codec"),
        (with_picture(codec="av1"), "transcode", "video_codec"),
        (with_picture(codec="prores"), "transcode", "video_codec"),
        (with_picture(pixel_format="yuv420p10le"), "transcode", "pixel_format"),
        (with_picture(pixel_format="yuv422p"), "transcode", "pixel_format"),
        (with_picture(hdr=Hdr.HLG), "transcode", "hdr"),
        (with_picture(coded_width=7680, coded_height=4320), "transcode", "too_large"),
    ],
)
def test_clip_that_some_browser_does_not_play_says_why(
    media: Media, verdict: str, reason: str
) -> None:
    playback = playback_of(media, fragmented=False)
    assert (playback.verdict, playback.reasons) == (verdict, (reason,))


def test_fragmented_mp4_needs_a_remux() -> None:
    playback = playback_of(FILM, fragmented=True)
    assert playback.verdict is PlaybackVerdict.REMUX
    assert playback.reasons == (PlaybackReason.FRAGMENTED,)


def test_costliest_reason_decides_and_all_are_named() -> None:
    media = replace(
        with_picture(codec="hevc", pixel_format="yuv420p10le", hdr=Hdr.HDR10),
        container="mov",
        audio=replace(STEREO, codec="ac3"),
    )
    playback = playback_of(media, fragmented=False)
    assert playback.verdict is PlaybackVerdict.TRANSCODE
    assert set(playback.reasons) == {
        "video_codec",
        "pixel_format",
        "hdr",
        "audio_codec",
        "container",
    }


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("encrypted", PlaybackReason.ENCRYPTED),
        ("no_playable_stream", PlaybackReason.NO_DECODER),
        ("dimensions_too_large", PlaybackReason.OVER_LIMITS),
        ("too_much_memory", PlaybackReason.OVER_LIMITS),
        ("truncated", PlaybackReason.UNREADABLE),
    ],
)
def test_file_that_is_no_clip_can_play_nowhere(code: str, reason: PlaybackReason) -> None:
    playback = playback_of_failed(code)
    assert (playback.verdict, playback.reasons) == (PlaybackVerdict.IMPOSSIBLE, (reason,))


def test_picture_without_a_decoder_cannot_be_made_to_play() -> None:
    playback = playback_of(replace(FILM, video=None), fragmented=False, lacks_decoder=True)
    assert playback.verdict is PlaybackVerdict.IMPOSSIBLE
    assert playback.reasons == (PlaybackReason.NO_DECODER,)
