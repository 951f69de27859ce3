"""A clip's media type by its name: the same on every machine."""

import mimetypes

import pytest

from shared.model import media_types


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.mp4", "video/mp4"),
        ("A.MKV", "video/x-matroska"),
        ("b.m4v", "video/mp4"),
        ("c.d.ts", "video/mp2t"),
        ("e.3gp", "video/3gpp"),
        ("f.flac", "audio/flac"),
        ("g.mxf", None),
        ("page.html", None),
        ("picture.svg", None),
        ("film", None),
        (".mp4", None),
        ("", None),
    ],
)
def test_servable_type_follows_from_the_name(
    monkeypatch: pytest.MonkeyPatch, name: str, expected: str | None
) -> None:
    """Independent of the machine's own list."""
    monkeypatch.setattr(mimetypes, "guess_type", lambda *_: ("text/html", None))
    assert media_types.of_name(name) == expected


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("video/mp4", "video/mp4"),
        ("Video/MP4", "video/mp4"),
        ("video/webm;codecs=vp9,opus", "video/webm"),
        ("video/mp4;, text/html", "video/mp4"),
        ("video/mp4, text/html", None),
        ("video/mp4,text/html;charset=utf-8", None),
        ("video/x+xml", None),
        ("audio/svg+XML", None),
        ("video/mp4 text/html", None),
        ("video/", None),
        ("text/html", None),
        ("image/svg+xml", None),
        ("", None),
        (None, None),
    ],
)
def test_served_type_is_video_or_audio_for_browsers(
    media_type: str | None, expected: str | None
) -> None:
    """A browser uses the last of several types, and +xml may contain scripts, with any prefix."""
    assert media_types.servable(media_type) == expected


@pytest.mark.parametrize(
    ("content_type", "filename", "expected"),
    [
        (None, "a.mkv", "video/x-matroska"),
        (None, "a.txt", None),
        (None, None, None),
        ("video/mp4", "a.mkv", "video/mp4"),
        ("application/mp4", "a.mp4", "video/mp4"),
        ("application/ogg", "a.ogv", "video/ogg"),
        ("binary/octet-stream", "A.MTS", "video/mp2t"),
        ("application/octet-stream", "a.mp4", "video/mp4"),
        ("application/octet-stream", None, "application/octet-stream"),
        ("application/mxf", "a.mxf", "application/octet-stream"),
        ("text/html", "a.txt", None),
        ("text/html", None, None),
    ],
)
def test_upload_type_prefers_a_servable_type_then_the_extension(
    content_type: str | None, filename: str | None, expected: str | None
) -> None:
    assert media_types.upload_type(content_type, filename) == expected
