"""Every field of the media block, on clips that are made with known properties."""

from fractions import Fraction

import pytest

from shared import media
from shared.model.media import Hdr
from tests.media.clips import Clip, make_long, scene, source_of
from tests.media.conftest import Make, audio_of, describe, video_of

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


@pytest.mark.parametrize(
    ("name", "clip", "container"),
    [
        ("a.mp4", Clip(), "mp4"),
        ("a.m4a", Clip(codec=None, sounds=("aac",)), "m4a"),
        ("a.mov", Clip(), "mov"),
        ("a.3gp", Clip(codec="mpeg4"), "3gp"),
        ("a.mkv", Clip(), "matroska"),
        ("a.webm", Clip(codec="libvpx-vp9"), "webm"),
        ("a.ts", Clip(), "mpegts"),
        ("a.mpg", Clip(codec="mpeg2video"), "mpeg"),
        ("a.avi", Clip(codec="mpeg4"), "avi"),
        ("a.flv", Clip(), "flv"),
        ("a.ogg", Clip(codec=None, sounds=("libopus",)), "ogg"),
        ("a.mp3", Clip(codec=None, sounds=("libmp3lame",)), "mp3"),
        ("a.wav", Clip(codec=None, sounds=("pcm_s16le",)), "wav"),
        ("a.flac", Clip(codec=None, sounds=("flac",)), "flac"),
    ],
)
def test_container_has_one_short_name(made: Make, name: str, clip: Clip, container: str) -> None:
    """It is one of FFmpeg's names: the first of its list, or the right member of the family."""
    described = describe(made(name, clip))
    assert described.container == container
    assert described.duration == pytest.approx(2.0, abs=0.2)  # MPEG-PS is an estimate


@pytest.mark.parametrize(
    ("name", "codec", "expected"),
    [
        ("h264.mp4", "libx264", ("h264", "Constrained Baseline", "yuv420p")),
        ("hevc.mp4", "libx265", ("hevc", "Main", "yuv420p")),
        ("vp8.webm", "libvpx", ("vp8", None, "yuv420p")),
        ("vp9.webm", "libvpx-vp9", ("vp9", "Profile 0", "yuv420p")),
        ("av1.mp4", "libsvtav1", ("av1", "Main", "yuv420p")),
        ("mpeg4.mp4", "mpeg4", ("mpeg4", "Simple Profile", "yuv420p")),
    ],
)
def test_codec_profile_and_pixel_format_are_ffmpegs(
    made: Make, name: str, codec: str, expected: tuple[str, str | None, str]
) -> None:
    """The name is that of the codec, never that of the decoder (libdav1d)."""
    video = video_of(made(name, Clip(codec=codec)))
    assert (video.codec, video.profile, video.pixel_format) == expected


def test_ten_bits_show_in_profile_and_pixel_format(made: Make) -> None:
    """HEVC of ten bits is Main 10."""
    video = video_of(made("a.mp4", Clip(codec="libx265", pixel_format="yuv420p10le")))
    assert (video.profile, video.pixel_format) == ("Main 10", "yuv420p10le")


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_size_is_as_displayed(made: Make, rotation: int, *, mirrored: bool) -> None:
    """A turn by a quarter exchanges width and height; a mirrored picture keeps its rotation."""
    video = video_of(made("a.mp4", Clip(rotation=rotation, mirrored=mirrored)))
    assert video.rotation == rotation
    assert (video.coded_width, video.coded_height) == (320, 180)
    upright = rotation in (0, 180)
    assert (video.width, video.height) == ((320, 180) if upright else (180, 320))


@pytest.mark.parametrize(
    ("shape", "rotation", "size"),
    [
        (Fraction(4, 3), 0, (427, 180)),
        (Fraction(1, 2), 0, (160, 180)),
        (Fraction(4, 3), 90, (180, 427)),
    ],
)
def test_pixels_become_square(
    made: Make, shape: Fraction, rotation: int, size: tuple[int, int]
) -> None:
    """The width follows the sample aspect ratio, before the picture is turned."""
    video = video_of(made("a.mp4", Clip(pixel_shape=shape, rotation=rotation)))
    assert (video.width, video.height) == size


@pytest.mark.parametrize("name", ["a.webm", "a.mkv"])
def test_odd_sizes_stay_odd(made: Make, name: str) -> None:
    """VP9 may have any size."""
    video = video_of(made(name, Clip(codec="libvpx-vp9", size=(321, 181))))
    assert (video.width, video.height) == (321, 181)


@pytest.mark.parametrize(
    ("transfer", "hdr", "name"),
    [(1, Hdr.SDR, "bt709"), (16, Hdr.HDR10, "smpte2084"), (18, Hdr.HLG, "arib-std-b67")],
)
def test_transfer_decides_hdr(made: Make, transfer: int, hdr: Hdr, name: str) -> None:
    """PQ is HDR10 and HLG is HLG; the colour names are those that ffprobe prints."""
    clip = Clip(
        codec="libx265",
        pixel_format="yuv420p10le",
        primaries=9,
        transfer=transfer,
        space=9,
        color_range=1,
    )
    video = video_of(made("a.mp4", clip))
    assert video.hdr is hdr
    assert video.color_transfer == name
    assert (video.color_primaries, video.color_space, video.color_range) == (
        "bt2020",
        "bt2020nc",
        "tv",
    )


def test_unspecified_colors_are_none(made: Make) -> None:
    """Unknown values are not guessed."""
    video = video_of(made("a.mp4"))
    assert video.color_primaries is None
    assert video.color_transfer is None
    assert video.color_space is None
    assert video.color_range is None


def test_full_range_is_pc(made: Make) -> None:
    """The name is that of ffprobe."""
    assert video_of(made("a.mp4", Clip(color_range=2))).color_range == "pc"


@pytest.mark.parametrize(
    ("name", "options", "fast_start"),
    [
        ("a.mp4", {}, False),
        ("a.mp4", {"movflags": "faststart"}, True),
        ("a.mov", {"movflags": "faststart"}, True),
        ("a.mp4", FRAGMENTED, True),
        ("a.mp4", FRAGMENTED | {"movflags": FRAGMENTED["movflags"] + "+skip_trailer"}, True),
        ("a.mkv", {}, None),
    ],
)
def test_fast_start(
    made: Make, name: str, options: dict[str, str], *, fast_start: bool | None
) -> None:
    """It is true if `moov` comes first or the file is fragmented, and None for other formats."""
    described = describe(made(name, Clip(options=options)))
    assert described.fast_start is fast_start
    assert described.duration == pytest.approx(2.0, abs=0.05)


def test_bit_rate_is_over_the_whole_file(made: Make) -> None:
    """It includes headers, as in ffprobe's value for a format."""
    path = made("a.mp4", Clip(sounds=("aac",)))
    described = describe(path)
    assert described.duration is not None
    assert described.bit_rate == int(path.stat().st_size * 8 / described.duration)


def test_frame_rate_is_the_average(made: Make) -> None:
    """It is the number of frames divided by the length."""
    assert video_of(made("a.mp4", Clip(frame_rate=12))).frame_rate == pytest.approx(12.0)


def test_first_sound_track_is_described(made: Make) -> None:
    """The first of two tracks is described, with its channels and rate."""
    audio = audio_of(made("a.mov", Clip(sounds=("aac", "pcm_s16le"), channels=1)))
    assert (audio.codec, audio.channels, audio.sample_rate) == ("aac", 1, 48_000)


def test_silent_film_has_no_audio(made: Make) -> None:
    """A sound file has no video."""
    assert describe(made("a.mp4")).audio is None
    assert describe(made("a.wav", Clip(codec=None, sounds=("pcm_s16le",)))).video is None


@pytest.mark.parametrize(
    ("name", "sound"), [("a.mp4", "aac"), ("a.mp3", "libmp3lame"), ("a.flac", "flac")]
)
def test_cover_art_is_not_video(made: Make, name: str, sound: str) -> None:
    """A picture attached to a song does not make it a film."""
    described = describe(made(name, Clip(codec=None, sounds=(sound,), cover=scene((64, 64)))))
    assert described.video is None
    assert described.audio is not None


def test_many_sound_tracks_are_no_trouble(made: Make) -> None:
    """The film has sixty sound tracks."""
    described = describe(made("a.mov", Clip(seconds=0.2, sounds=("pcm_s16le",) * 60)))
    assert described.audio is not None


def test_tags_that_are_no_utf8_do_no_harm(made: Make) -> None:
    """The charset of a tag is unknown."""
    assert describe(made("a.mkv", Clip(metadata={"title": "caf\udce9"}))).video is not None


def test_live_recording_gets_its_length_from_its_packets(made: Make) -> None:
    """A browser's recorder leaves no duration in the file."""
    path = made("a.webm", Clip(codec="libvpx", options={"live": "1"}))
    assert describe(path).duration == pytest.approx(2.0, abs=0.05)


def test_cost_does_not_grow_with_the_film(made: Make) -> None:
    """A large film with its index at the end costs its index and a few blocks."""
    short = made("short.mp4", Clip(size=(640, 360), codec_options={"crf": "4"}))
    path = make_long(short.with_name("long.mp4"), short, 120, options={})
    assert path.stat().st_size > 60_000_000
    with media.opened(source_of(path)) as file:
        assert file.media.duration == pytest.approx(240.0)
        assert file.bytes_read < 1_000_000
        assert file.stills().poster is not None
        assert file.bytes_read < 13_000_000
