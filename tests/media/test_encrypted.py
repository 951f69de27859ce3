"""Encrypted films fail as such, with any length, codec, scheme and container."""

from pathlib import Path

import pytest

from shared.media import FailureCode
from tests.media.clips import Clip, make
from tests.media.conftest import Make, outcome_of, sample
from tests.media.fuzz import ENCRYPTED

FRAGMENTED = ENCRYPTED | {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
SMALL = (96, 64)


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("short.mp4", Clip(size=SMALL, seconds=1, options=ENCRYPTED)),
        ("long.mp4", Clip(size=SMALL, seconds=40, frame_rate=10, options=ENCRYPTED)),
        ("fragmented.mp4", Clip(size=SMALL, seconds=2, options=FRAGMENTED)),
        ("sound.mp4", Clip(size=SMALL, seconds=1, sounds=("aac",), options=ENCRYPTED)),
        ("hevc.mp4", Clip(size=SMALL, seconds=1, codec="libx265", options=ENCRYPTED)),
        ("only sound.mp4", Clip(codec=None, seconds=1, sounds=("aac",), options=ENCRYPTED)),
    ],
)
def test_encrypted_mp4_fails_as_encrypted(made: Make, name: str, clip: Clip) -> None:
    assert outcome_of(made(name, clip).read_bytes()) == FailureCode.ENCRYPTED


@pytest.mark.parametrize("scheme", [b"cbcs", b"cens", b"cbc1", b"piff"])
def test_scheme_of_encryption_does_not_matter(made: Make, scheme: bytes) -> None:
    data = made("short.mp4", Clip(size=SMALL, seconds=1, options=ENCRYPTED)).read_bytes()
    assert b"schm\0\0\0\0cenc" in data
    changed = data.replace(b"schm\0\0\0\0cenc", b"schm\0\0\0\0" + scheme)
    assert outcome_of(changed) == FailureCode.ENCRYPTED


@pytest.mark.parametrize("entry", [b"vp09", b"av01", b"mp4v", b"xxxx"])
def test_codec_of_an_encrypted_track_does_not_matter(made: Make, entry: bytes) -> None:
    """The scheme may be one that FFmpeg does not know."""
    data = made("short.mp4", Clip(size=SMALL, seconds=1, options=ENCRYPTED)).read_bytes()
    assert outcome_of(data.replace(b"frmaavc1", b"frma" + entry)) == FailureCode.ENCRYPTED


def test_clear_entry_before_an_encrypted_one_does_not_hide_it(made: Make) -> None:
    """A stream may begin in the clear: a track has two sample entries then."""
    data = made("short.mp4", Clip(size=SMALL, seconds=1, options=ENCRYPTED)).read_bytes()
    at = data.index(b"stsd") + 12
    size = int.from_bytes(data[at : at + 4])
    entry = data[at : at + size]
    clear = entry.replace(b"encv", b"avc1").replace(b"sinf", b"free")
    assert outcome_of(with_bytes_in(data, at, clear)) == FailureCode.ENCRYPTED


def with_bytes_in(data: bytes, at: int, inserted: bytes) -> bytes:
    """Returns an MP4 with bytes put into its sample descriptions; `moov` is at the end."""
    changed = bytearray(data)
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        size_at = changed.rindex(parent, 0, at) - 4
        size = int.from_bytes(changed[size_at : size_at + 4]) + len(inserted)
        changed[size_at : size_at + 4] = size.to_bytes(4)
    changed[at - 4 : at] = (2).to_bytes(4)
    return bytes(changed[:at] + inserted + changed[at:])


# ContentEncodings > ContentEncoding > ContentEncodingType 1 and an empty ContentEncryption; and
# the same with ContentCompression that strips nothing.
ENCRYPTION = bytes.fromhex("6d80 8a 6240 87 5033 81 01 5035 80".replace(" ", ""))
COMPRESSION = bytes.fromhex(
    "6d80 91 6240 8e 5033 81 00 5034 87 4254 81 03 4255 80".replace(" ", "")
)


def with_element(data: bytes, added: bytes, kind: int = 1, *, within_video: bool = False) -> bytes:
    """Returns a Matroska file whose first track of this kind (or its `Video`) has one more element.

    Only the bytes before the first cluster move: the file has no index.
    """
    tracks = data.rindex(bytes.fromhex("1654ae6b"), 0, data.index(bytes.fromhex("1f43b675")))
    first, end = element(data, tracks + 4)
    entry, body, behind = first, *element(data, first + 1)
    while bytes((0x83, 0x81, kind)) not in data[body:behind]:
        entry, body, behind = behind, *element(data, behind + 1)
    at = data.index(b"\xe0", data.index(b"\x83\x81\x01", body)) if within_video else behind
    video, end_of_video = element(data, at + 1) if within_video else (behind, behind)
    inside_track = data[body:at] + added + data[at:behind]
    if within_video:
        changed_video = b"\xe0" + sized(added + data[video:end_of_video])
        inside_track = data[body:at] + changed_video + data[end_of_video:behind]
    changed = b"\xae" + sized(inside_track)
    inside = data[first:entry] + changed + data[behind:end]
    return data[: tracks + 4] + sized(inside) + data[end:]


def element(data: bytes, at: int) -> tuple[int, int]:
    """Returns begin and end of the body of an element whose size is at `at`."""
    width = 9 - data[at].bit_length()
    size = int.from_bytes(data[at : at + width]) & ((1 << (7 * width)) - 1)
    return at + width, at + width + size


def sized(body: bytes) -> bytes:
    """Returns a body behind its size in eight bytes."""
    return b"\1" + len(body).to_bytes(7) + body


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("a.webm", Clip(size=SMALL, seconds=1, codec="libvpx", options={"live": "1"})),
        ("a.mkv", Clip(size=SMALL, seconds=1, options={"live": "1"})),
        ("b.mkv", Clip(size=SMALL, seconds=1, sounds=("flac",), options={"live": "1"})),
        ("c.mkv", Clip(codec=None, seconds=1, sounds=("flac",), options={"live": "1"})),
    ],
)
def test_encrypted_matroska_fails_as_encrypted(made: Make, name: str, clip: Clip) -> None:
    data = made(name, clip).read_bytes()
    kinds = [1] * bool(clip.codec) + [2] * bool(clip.sounds)
    assert outcome_of(data) == "ready"
    for kind in kinds:
        assert outcome_of(with_element(data, ENCRYPTION, kind)) == FailureCode.ENCRYPTED


def test_compressed_headers_of_matroska_are_not_encryption(made: Make) -> None:
    clip = Clip(size=SMALL, seconds=1, codec="libvpx", options={"live": "1"})
    data = made("a.webm", clip).read_bytes()
    assert outcome_of(with_element(data, COMPRESSION)) == "ready"


def test_encrypted_flv_and_scrambled_broadcast_fail_as_encrypted(made: Make) -> None:
    flv = bytearray(made("a.flv", Clip(size=SMALL, seconds=1)).read_bytes())
    second = 13 + 11 + int.from_bytes(flv[14:17]) + 4
    flv[second] |= 0x20
    assert outcome_of(bytes(flv)) == FailureCode.ENCRYPTED

    for scrambled in ({0x100}, {0x101}, {0x100, 0x101}):
        broadcast = bytearray(made("a.ts", Clip(seconds=2, sounds=("aac",))).read_bytes())
        for at in range(0, len(broadcast), 188):
            if int.from_bytes(broadcast[at + 1 : at + 3]) & 0x1FFF in scrambled:
                broadcast[at + 3] |= 0x80
        assert outcome_of(bytes(broadcast)) == FailureCode.ENCRYPTED


@pytest.mark.parametrize(
    ("clip", "types", "expected"),
    [
        (Clip(seconds=1, sounds=("aac",)), {0x1B: 0xDB, 0x0F: 0xCF}, FailureCode.ENCRYPTED),
        (Clip(seconds=1, sounds=("aac",)), {0x1B: 0xDB}, FailureCode.ENCRYPTED),
        (Clip(seconds=1, sounds=("ac3",)), {0x1B: 0xDB, 0x81: 0xC1}, FailureCode.ENCRYPTED),
        (Clip(seconds=1, codec=None, sounds=("aac",)), {0x0F: 0xCF}, FailureCode.ENCRYPTED),
        (Clip(seconds=1, sounds=("aac",)), {0x0F: 0xCF}, FailureCode.ENCRYPTED),
        (Clip(seconds=1, sounds=("aac",)), {}, "ready"),
    ],
)
def test_sample_encrypted_broadcast_fails_as_encrypted(
    made: Make, clip: Clip, types: dict[int, int], expected: str
) -> None:
    """HLS marks it by the types in the table of tracks only."""
    data = bytearray(made("a.ts", clip).read_bytes())
    for at in range(0, len(data), 188):
        if int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF == 0x1000:
            for clear, encrypted in types.items():
                # The type of a track stands before its number, 0x100 or 0x101.
                place = data.find(bytes((clear, 0xE1)), at, at + 188)
                assert place > 0
                data[place] = encrypted
    assert outcome_of(bytes(data)) == expected


def test_encrypted_asf_fails_as_encrypted(tmp_path: Path) -> None:
    """The object that says so is put at the end of the header."""
    data = make(tmp_path / "a.wmv", Clip(size=SMALL, seconds=1, codec="wmv2")).read_bytes()
    assert outcome_of(data) == "ready"
    size = int.from_bytes(data[16:24], "little")
    count = int.from_bytes(data[24:28], "little")
    mark = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e") + (24).to_bytes(8, "little")
    head = data[:16] + (size + 24).to_bytes(8, "little") + (count + 1).to_bytes(4, "little")
    assert outcome_of(head + data[28:size] + mark + data[size:]) == FailureCode.ENCRYPTED


def test_encrypted_sample_fails_as_encrypted() -> None:
    """This uses the sample beside the repository."""
    assert outcome_of(sample("field/cenc_encrypted.mp4").read_bytes()) == FailureCode.ENCRYPTED
