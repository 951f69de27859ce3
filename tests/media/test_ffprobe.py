"""Our metadata and ffprobe's agree: on the sample files as recorded, and live where it is.

`ffprobe.json` was recorded with ffprobe 5.1.9 (Debian 12) by the command in `FFPROBE`.
"""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from shared.model import AudioTrack, Media, VideoTrack
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
    """Return the first stream of a kind that ffprobe reports."""
    return next((s for s in report["streams"] if s.get("codec_type") == kind), None)


def check(ours: Media, report: dict[str, Any]) -> None:
    """Compare every field that ffprobe has."""
    assert ours.container in report["format"]["format_name"].split(",")
    duration = float(report["format"]["duration"])
    assert ours.duration == pytest.approx(duration, abs=DURATION_TOLERANCE)
    assert ours.bit_rate == pytest.approx(int(report["format"]["bit_rate"]), rel=0.03)
    check_video(ours.video, stream_of(report, "video"))
    check_audio(ours.audio, stream_of(report, "audio"))


def check_video(ours: VideoTrack | None, theirs: dict[str, Any] | None) -> None:
    """Compare the picture; the displayed size follows from ffprobe's size, shape and rotation."""
    if theirs is None or ours is None:
        assert ours is None
        assert theirs is None
        return
    assert ours.codec == theirs["codec_name"]
    assert ours.profile == theirs.get("profile")
    assert ours.pixel_format == theirs["pix_fmt"]
    assert ours.color_range == theirs.get("color_range")
    assert ours.color_space == theirs.get("color_space")
    assert ours.color_transfer == theirs.get("color_transfer")
    assert ours.color_primaries == theirs.get("color_primaries")
    assert ours.frame_rate == pytest.approx(float(Fraction(theirs["avg_frame_rate"])))
    assert (ours.coded_width, ours.coded_height) == (theirs["width"], theirs["height"])
    counter_clockwise = next((d["rotation"] for d in theirs.get("side_data_list", ()) if d), 0)
    assert ours.rotation == -counter_clockwise % 360
    shape = Fraction(theirs.get("sample_aspect_ratio", "1:1").replace(":", "/"))
    size = (round(theirs["width"] * shape), theirs["height"])
    assert (ours.width, ours.height) == (size if ours.rotation % 180 == 0 else size[::-1])


def check_audio(ours: AudioTrack | None, theirs: dict[str, Any] | None) -> None:
    """Compare the sound."""
    if theirs is None or ours is None:
        assert ours is None
        assert theirs is None
        return
    assert (ours.codec, ours.channels) == (theirs["codec_name"], theirs["channels"])
    assert ours.sample_rate == int(theirs["sample_rate"])


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_samples_agree_with_the_record(name: str) -> None:
    """On every playable sample file."""
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
    """Live, on whatever this machine's ffprobe is."""
    path = made(name, clip)
    report = subprocess.run([*FFPROBE, str(path)], capture_output=True, check=True, text=True)
    check(describe(path), json.loads(report.stdout))
