"""Metadata agrees with ffprobe: recorded for the samples, and live if ffprobe is installed.

`ffprobe.json` was recorded with ffprobe 5.1.9 (Debian 12) by the command in `FFPROBE`.
"""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from shared.model.media import AudioTrack, Media, VideoTrack
from tests.media.clips import Clip
from tests.media.conftest import Make, describe, sample

ENTRIES = (
    "format=format_name,duration,bit_rate:"
    "stream=codec_type,codec_name,profile,width,height,sample_aspect_ratio,avg_frame_rate,pix_fmt,"
    "color_range,color_space,color_transfer,color_primaries,channels,sample_rate:"
    "stream_side_data=rotation"
)
FFPROBE = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", ENTRIES]
RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("ffprobe.json").read_text())

# FFmpeg 5 counts the time code track and rounds up to its movie time base, 8 does neither.
DURATION_TOLERANCE = 0.08


def stream_of(report: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """Returns the first stream of a kind that ffprobe reports."""
    return next((s for s in report["streams"] if s.get("codec_type") == kind), None)


def check(actual: Media, report: dict[str, Any]) -> None:
    """Compares every field that ffprobe has."""
    assert actual.container in report["format"]["format_name"].split(",")
    duration = float(report["format"]["duration"])
    assert actual.duration == pytest.approx(duration, abs=DURATION_TOLERANCE)
    assert actual.bit_rate == pytest.approx(int(report["format"]["bit_rate"]), rel=0.03)
    check_video(actual.video, stream_of(report, "video"))
    check_audio(actual.audio, stream_of(report, "audio"))


def check_video(actual: VideoTrack | None, expected: dict[str, Any] | None) -> None:
    """Compares the picture; the displayed size follows from ffprobe's size, shape and rotation."""
    if expected is None or actual is None:
        assert actual is None
        assert expected is None
        return
    assert actual.codec == expected["codec_name"]
    assert actual.profile == expected.get("profile")
    assert actual.pixel_format == expected["pix_fmt"]
    assert actual.color_range == expected.get("color_range")
    assert actual.color_space == expected.get("color_space")
    assert actual.color_transfer == expected.get("color_transfer")
    assert actual.color_primaries == expected.get("color_primaries")
    assert actual.frame_rate == pytest.approx(float(Fraction(expected["avg_frame_rate"])))
    assert (actual.coded_width, actual.coded_height) == (expected["width"], expected["height"])
    counter_clockwise = next((d["rotation"] for d in expected.get("side_data_list", ()) if d), 0)
    assert actual.rotation == -counter_clockwise % 360
    shape = Fraction(expected.get("sample_aspect_ratio", "1:1").replace(":", "/"))
    size = (round(expected["width"] * shape), expected["height"])
    assert (actual.width, actual.height) == (size if actual.rotation % 180 == 0 else size[::-1])


def check_audio(actual: AudioTrack | None, expected: dict[str, Any] | None) -> None:
    """Compares the sound."""
    if expected is None or actual is None:
        assert actual is None
        assert expected is None
        return
    assert (actual.codec, actual.channels) == (expected["codec_name"], expected["channels"])
    assert actual.sample_rate == int(expected["sample_rate"])


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_samples_agree_with_the_record(name: str) -> None:
    """This covers every playable sample file."""
    check(describe(sample(name)), RECORDED[name])


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="there is no ffprobe to compare with")
@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("turned.mp4", Clip(rotation=90, sounds=("aac",))),
        ("mirrored.mp4", Clip(rotation=270, mirrored=True)),
        ("shape.mov", Clip(pixel_shape=Fraction(4, 3), rotation=90)),
        ("odd.webm", Clip(codec="libvpx-vp9", size=(321, 181), sounds=("libopus",))),
        ("h264.mkv", Clip(sounds=("flac",), channels=1)),
        ("h264.ts", Clip(sounds=("aac",))),
        ("mpeg4.avi", Clip(codec="mpeg4", sounds=("libmp3lame",))),
        ("av1.mp4", Clip(codec="libsvtav1")),
        ("full.mp4", Clip(color_range=2, space=1, primaries=1, transfer=1)),
        (
            "hlg.mp4",
            Clip(codec="libx265", pixel_format="yuv420p10le", primaries=9, transfer=18, space=9),
        ),
        ("prores.mov", Clip(codec="prores_ks", pixel_format="yuv422p10le", seconds=0.4)),
        ("sound.m4a", Clip(codec=None, sounds=("aac",))),
        ("sound.ogg", Clip(codec=None, sounds=("libopus",))),
        (
            "fragmented.mp4",
            Clip(options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
        ),
    ],
)
def test_made_clips_agree_with_ffprobe(made: Make, name: str, clip: Clip) -> None:
    """This runs the ffprobe of this machine."""
    path = made(name, clip)
    report = subprocess.run([*FFPROBE, str(path)], capture_output=True, check=True, text=True)
    check(describe(path), json.loads(report.stdout))
