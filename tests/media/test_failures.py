"""Every way in which a file can fail, each with the right code."""

import random
from collections.abc import Iterator

import pytest

from shared import media
from shared.errors import UnplayableClip
from shared.media import FailureCode, Limits
from tests.media.clips import Clip, MemorySource, scene, source_of
from tests.media.conftest import Make, sample

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def failure_of(source: MemorySource, limits: Limits | None = None) -> str:
    """Returns the code that describing `source` and choosing its poster fails with."""
    with pytest.raises(UnplayableClip) as caught, media.opened(source, limits) as file:
        file.stills()
    code = FailureCode(caught.value.failure_code)
    assert caught.value.detail == code.sentence
    return code


@pytest.mark.parametrize("code", list(FailureCode))
def test_every_code_has_advice_for_the_owner(code: FailureCode) -> None:
    """At least two plain sentences, without internals of the service."""
    assert code.value == code.name.lower()
    assert code.sentence.endswith(".")
    assert code.sentence.count(". ") >= 1
    assert "FFmpeg" not in code.sentence


def test_empty_file_fails() -> None:
    """An upload of zero bytes has its own code."""
    source = MemorySource(b"")
    assert failure_of(source) == FailureCode.EMPTY_FILE
    assert source.reads == []


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"Dear Sir or Madam,\n" * 5_000,
        b"<html><body>502 Bad Gateway</body></html>",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1/a.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'/>",
        b"%PDF-1.7\n" + bytes(5_000),
        b"GIF89a" + bytes(5_000),
        b"\x89PNG\r\n\x1a\n" + bytes(5_000),
        bytes(100_000),
        random.Random(7).randbytes(200_000),
        b"\0\0\0\x18ftypheic\0\0\0\0heicmif1\0\0\0\x10meta" + bytes(2_000),
    ],
    ids=[
        "letter",
        "text",
        "html",
        "hls",
        "concat",
        "dash",
        "pdf",
        "gif",
        "png",
        "zeros",
        "random",
        "heic",
    ],
)
def test_other_files_are_not_a_video(data: bytes) -> None:
    """These are text, playlists, pictures and noise."""
    assert failure_of(MemorySource(data)) == FailureCode.NOT_A_VIDEO


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}, FRAGMENTED])
@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_mp4_that_ends_early_is_truncated(
    made: Make, options: dict[str, str], share: float
) -> None:
    """It fails even if the beginning plays, because the owner must know that the end is missing."""
    data = made("a.mp4", Clip(options=options)).read_bytes()
    assert failure_of(MemorySource(data[: int(len(data) * share)])) == FailureCode.TRUNCATED


def test_mp4_that_lacks_its_last_byte(made: Make) -> None:
    """The sample index shows that the byte is missing."""
    data = made("a.mp4", Clip(options={"movflags": "faststart"})).read_bytes()
    assert failure_of(MemorySource(data[:-1])) == FailureCode.TRUNCATED


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("a.mkv", Clip()),
        ("a.webm", Clip(codec="libvpx")),
        ("a.avi", Clip(codec="mpeg4")),
        ("a.wav", Clip(codec=None, sounds=("pcm_s16le",))),
    ],
)
def test_other_formats_that_say_their_length(made: Make, name: str, clip: Clip) -> None:
    """Matroska's segment and RIFF know how long they are."""
    data = made(name, clip).read_bytes()
    assert failure_of(MemorySource(data[: len(data) * 2 // 3])) == FailureCode.TRUNCATED


def test_bytes_after_a_complete_film_are_ignored(made: Make) -> None:
    """Players ignore it too."""
    data = made("a.mp4").read_bytes() + b"rubbish" * 100
    with media.opened(MemorySource(data)) as file:
        assert file.stills().poster is not None


def test_whole_file_with_a_damaged_box_is_damaged(made: Make) -> None:
    """It is not truncated: uploading the same bytes again would not help."""
    data = made("a.mp4").read_bytes()
    at = int.from_bytes(data[:4])
    for size in (1, 4, 2**31):
        damaged = data[:at] + size.to_bytes(4) + b"free" + bytes(8) + data[at:]
        assert failure_of(MemorySource(damaged)) == FailureCode.UNDECODABLE


def test_file_without_a_playable_stream_fails(made: Make) -> None:
    """The file has only a cover."""
    path = made("a.mp4", Clip(codec=None, cover=scene((64, 64))))
    assert failure_of(source_of(path)) == FailureCode.NO_PLAYABLE_STREAM


def test_picture_that_is_too_large_fails(made: Make) -> None:
    """It fails by its number of pixels, before anything is decoded."""
    limits = Limits(max_pixels=320 * 180 - 1)
    assert failure_of(source_of(made("a.mp4")), limits) == FailureCode.DIMENSIONS_TOO_LARGE


def test_size_that_the_header_hides(made: Make) -> None:
    """A header may say 16 x 16 for a huge stream, so the decoder has the limit too."""
    data = made("a.mp4", Clip(size=(640, 360))).read_bytes()
    lying = data.replace((640).to_bytes(2) + (360).to_bytes(2), bytes((0, 16, 0, 16)))
    assert lying != data
    code = failure_of(MemorySource(lying), Limits(max_pixels=16 * 16))
    assert code in (FailureCode.UNDECODABLE, FailureCode.DIMENSIONS_TOO_LARGE)


def test_undecodable_picture_fails(made: Make) -> None:
    """The headers are complete, the pictures are noise."""
    data = bytearray(made("a.mp4", Clip(codec="libvpx-vp9")).read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[start:end] = b"\xff" * (end - start)
    assert failure_of(MemorySource(bytes(data))) == FailureCode.UNDECODABLE


def test_undecodable_header_fails(made: Make) -> None:
    """It is an MKV whose headers cannot be read."""
    data = made("a.mkv").read_bytes()
    damaged = data[:40] + b"\xff" * (len(data) - 40)
    assert failure_of(MemorySource(damaged)) == FailureCode.UNDECODABLE


def test_reading_too_much_fails(made: Make) -> None:
    """The budget is kept to the byte."""
    source = source_of(made("a.ts", Clip(codec_options={"crf": "1"}, size=(640, 360), gop=5)))
    assert source.size > 1_000_000
    assert failure_of(source, Limits(max_bytes=600_000)) == FailureCode.TOO_MUCH_READING
    assert sum(length for _, length in source.reads) <= 600_000


@pytest.mark.parametrize("ticks", [1, 2, 5, 10])
def test_reading_too_slowly_fails(made: Make, ticks: int) -> None:
    """The time may run out at any moment."""

    def clock() -> Iterator[float]:
        yield from (0.0 for _ in range(ticks))
        while True:
            yield 61.0

    seconds = clock()
    with (
        pytest.raises(UnplayableClip) as caught,
        media.opened(source_of(made("a.mp4")), clock=lambda: next(seconds)) as file,
    ):
        file.stills()
    assert caught.value.failure_code == FailureCode.TOO_SLOW


def test_poster_found_so_far_is_enough(made: Make) -> None:
    """A clip whose first keyframes were read within the budget is not failed for the rest."""
    path = made("a.ts", Clip(seconds=14, size=(640, 360), codec_options={"crf": "1"}))
    source = source_of(path)
    with media.opened(source) as file:
        described = file.bytes_read
    with media.opened(source_of(path), Limits(max_bytes=described + 600_000)) as file:
        assert file.stills().poster is not None
    assert source.size > described + 600_000


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("zero.mp4", FailureCode.EMPTY_FILE),
        ("text.mp4", FailureCode.NOT_A_VIDEO),
        ("hls_ssrf.mp4", FailureCode.NOT_A_VIDEO),
        ("trunc_nomoov.mp4", FailureCode.TRUNCATED),
        ("huge_16000x9000.mp4", FailureCode.DIMENSIONS_TOO_LARGE),
    ],
)
def test_hostile_and_broken_samples_fail_with_their_codes(name: str, code: FailureCode) -> None:
    """This uses the samples beside the repository that are not clips."""
    assert failure_of(source_of(sample(name))) == code
