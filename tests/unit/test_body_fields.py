"""The fields of JSON bodies: values that are accepted, and errors for the others."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from clips.http.inputs.base import Body
from clips.http.inputs.clips import ClipChange, NewClip, NewVideo, VideoChange
from clips.http.inputs.cutting import CutItem, NewCuts, NewSource
from clips.http.inputs.links import AccessUrls, NewShare
from tests.unit.requests import (
    CLIP,
    bad_body,
    new_clip,
    read_body,
)


def test_valid_new_clip_is_accepted() -> None:
    read = read_body(
        NewClip,
        new_clip(title=" Goal! ", filename="goal.mp4", content_type="Video/MP4"),
    )
    assert (read.start_time, read.end_time) == (1.0, 2.5)
    assert (read.title, read.filename, read.content_type) == ("Goal!", "goal.mp4", "video/mp4")


NO_POSITION = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "beyond floats": b"1e400",
    "beyond floats, long": b"1" + b"0" * 400,
    "beyond videos": b"10000001",
    "huge": b"1e308",
    "negative": b"-0.001",
    "text": b'"5"',
    "true": b"true",
    "null": b"null",
    "list": b"[5]",
    "object": b'{"seconds": 5}',
}


@pytest.mark.parametrize("raw", NO_POSITION.values(), ids=NO_POSITION.keys())
def test_position_is_a_number_of_seconds(raw: bytes) -> None:
    for other, name in ((b"0", "end_time"), (b"7", "start_time")):
        names = (b"start_time", b"end_time") if name == "end_time" else (b"end_time", b"start_time")
        body = b'{"%s": %s, "%s": %s}' % (names[0], other, names[1], raw)
        assert list(bad_body(NewClip, body)) == [f"/{name}"]


def test_both_positions_are_needed() -> None:
    assert list(bad_body(NewClip, {})) == ["/start_time", "/end_time"]


@pytest.mark.parametrize(("start", "end"), [(5, 5), (5, 4.999), (0, 0), (0.0, -0.0), (9e6, 1)])
def test_clip_ends_after_it_starts(start: float, end: float) -> None:
    said = bad_body(NewClip, {"start_time": start, "end_time": end})
    assert said == {"/end_time": "must be greater than start_time"}


@pytest.mark.parametrize(("start", "end"), [(0, 0.001), (-0.0, 1), (0, 5e-324), (0, 10_000_000)])
def test_extreme_but_good_positions_are_taken(start: float, end: float) -> None:
    read = read_body(NewClip, {"start_time": start, "end_time": end})
    assert read.end_time > read.start_time >= 0


def test_bad_start_does_not_hide_a_bad_end() -> None:
    said = bad_body(NewClip, {"start_time": -1, "end_time": "2"})
    assert list(said) == ["/start_time", "/end_time"]


NO_LINE = {
    "NUL": "a\0b",
    "newline": "a\nb",
    "carriage return": "a\rb",
    "escape": "\x1b[31m",
    "delete": "a\x7f",
    "C1": "a\x85b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "too long": "x" * 501,
    "number": 5,
    "true": True,
    "list": ["a"],
    "object": {"a": "b"},
}


@pytest.mark.parametrize("value", NO_LINE.values(), ids=NO_LINE.keys())
@pytest.mark.parametrize("kind", [NewVideo, NewClip, ClipChange, VideoChange])
def test_title_is_one_line_of_text(kind: type[Body], value: object) -> None:
    more = new_clip() if kind is NewClip else {}
    assert list(bad_body(kind, more | {"title": value})) == ["/title"]


@pytest.mark.parametrize("value", ["x" * 500, "日本語", "🎬 Žofie", "a  b", "<b>", "%00", "\\0"])
def test_title_is_any_line_of_text(value: str) -> None:
    assert read_body(NewVideo, {"title": value}).title == value


@pytest.mark.parametrize("value", ["a b", "a/b", "x" * 65, "ž", "a\n", 5, "dQw4w9WgXcQ&t=1"])
def test_youtube_id_is_plain(value: object) -> None:
    assert list(bad_body(NewVideo, {"youtube_id": value})) == ["/youtube_id"]


@pytest.mark.parametrize("value", ["a\0.mp4", "a\n.mp4", "\x7f", "x" * 256, 5, ["a.mp4"]])
def test_file_name_is_one_line(value: object) -> None:
    assert list(bad_body(NewClip, new_clip(filename=value))) == ["/filename"]


@pytest.mark.parametrize(
    "value",
    [
        "text/html",
        "image/svg+xml",
        "application/javascript",
        "video",
        "video/",
        "/mp4",
        "video/mp4\r\nX-Evil: 1",
        "; codecs=avc1",
        "video/mp 4",
        "video/" + "x" * 122,
        5,
    ],
)
def test_media_type_is_one_of_video_or_audio(value: object) -> None:
    """Blobs are served with this type, so no type that runs in a browser is accepted."""
    assert list(bad_body(NewClip, new_clip(content_type=value))) == ["/content_type"]
    assert list(bad_body(NewSource, {"content_type": value})) == ["/content_type"]


@pytest.mark.parametrize(
    "value", ["video/webm;codecs=vp9,opus", "video/webm; x=<b>", " VIDEO/webm "]
)
def test_parameters_of_a_media_type_are_dropped(value: str) -> None:
    assert NewClip.model_validate(new_clip(content_type=value)).content_type == "video/webm"


OPTIONAL = [
    (NewVideo, {}, "title"),
    (NewVideo, {}, "youtube_id"),
    (NewClip, new_clip(), "title"),
    (NewClip, new_clip(), "filename"),
    (NewClip, new_clip(), "content_type"),
    (ClipChange, {}, "title"),
    (ClipChange, {}, "expires_at"),
    (VideoChange, {}, "title"),
    (VideoChange, {}, "retention_days"),
    (NewShare, {}, "expires_at"),
    (NewShare, {}, "max_views"),
    (NewShare, {}, "ip"),
    (AccessUrls, {"clip_ids": [str(CLIP)]}, "ip"),
]


@pytest.mark.parametrize("blank", ["", " ", " \t\n", "\u00a0", "\u2003"])
@pytest.mark.parametrize(("kind", "others", "name"), OPTIONAL)
def test_blank_optional_field_is_null(
    kind: type[Body], others: dict[str, object], name: str, blank: str
) -> None:
    """Forms send an empty text for a field that was left empty."""
    read = read_body(kind, others | {name: blank})
    assert getattr(read, name) is None
    assert name in read.model_fields_set  # so that a change clears it
    escaped = json.dumps(others | {name: blank}, ensure_ascii=False).encode()
    assert read_body(kind, escaped) == read


@pytest.mark.parametrize("blank", ["", "\u3000", None])
@pytest.mark.parametrize("name", ["expiry_hours", "download", "variant"])
def test_blank_or_null_field_with_a_default_is_absent(name: str, blank: str | None) -> None:
    body = {"clip_ids": [str(CLIP)]}
    assert read_body(AccessUrls, body | {name: blank}) == read_body(AccessUrls, body)


@pytest.mark.parametrize("blank", ["", " \t", None])
@pytest.mark.parametrize("name", ["title", "expires_at", "client_id"])
def test_blank_field_of_a_cut_is_null(name: str, blank: str | None) -> None:
    cut = {"start_time": 1, "end_time": 2}
    [given], [absent] = (
        read_body(NewCuts, {"clips": [item]}).items for item in (cut | {name: blank}, cut)
    )
    assert given == absent


@pytest.mark.parametrize("name", ["start_time", "end_time"])
def test_blank_required_field_is_an_error(name: str) -> None:
    assert f"/{name}" in bad_body(NewClip, new_clip(**{name: ""}))


@pytest.mark.parametrize(
    ("content_type", "filename"),
    [
        *(("application/mp4", "a.mp4"), ("application/ogg", "a.OGV"), ("application/mxf", "a.mxf")),
        *(("text/plain", "a.mts"), ("image/svg+xml", "a.webm"), ("text/html", "a.b.mp4")),
        *(("video/*", "a.mp4"), ("undefined", "a.avi"), ("video/mp4, video/mp4", "a.mp4")),
        *(("video/x_own", "a.mkv"), ("; codecs=avc1", "a.mov")),
    ],
)
def test_unservable_content_type_gives_way_to_a_known_extension(
    content_type: str, filename: str
) -> None:
    body = new_clip(content_type=content_type, filename=filename)
    assert read_body(NewClip, body).filename == filename
    assert list(bad_body(NewClip, body | {"filename": "a.txt"})) == ["/content_type"]
    assert list(bad_body(NewClip, body | {"filename": ""})) == ["/content_type"]


@pytest.mark.parametrize(
    "value", ["video/mp4", "audio/mpeg", "application/octet-stream", "binary/octet-stream"]
)
def test_media_types_of_clips_are_taken(value: str) -> None:
    assert read_body(NewClip, new_clip(content_type=value)).content_type == value


# --- Changes


def test_change_without_a_field_is_refused() -> None:
    assert bad_body(ClipChange, {}) == {"": "must contain a field to change"}


def test_null_clears_and_absent_leaves() -> None:
    read = read_body(ClipChange, {"title": None})
    assert read.title is None
    assert read.model_fields_set == {"title"}


@pytest.mark.parametrize(
    "text", ["2999-01-01T00:00:00Z", "2999-01-01t00:00:00z", "2999-01-01 01:00:00+01:00"]
)
def test_expiry_is_a_moment(text: str) -> None:
    read = read_body(ClipChange, {"expires_at": text})
    assert read.expires_at == datetime(2999, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2999-01-01T00:00:00+23:59", "9999-12-30T00:00:00Z"])
def test_moment_reaches_the_database_in_utc(text: str) -> None:
    """Postgres accepts only offsets below 16 hours, and Python no year beyond 9999."""
    read = read_body(ClipChange, {"expires_at": text})
    assert read.expires_at is not None
    assert read.expires_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        "2020-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59-23:59",
        "2999-01-01T00:00:00",
        "2999-01-01",
        "4102444800",
        "99999999999999999999",
        "soon",
        "NaN",
        "infinity",
        "2999-02-30T00:00:00Z",
        "2999-01-01T25:00:00Z",
        "2999-01-01T00:00:00+99:00",
        "2999-01-01T00:00:00Z\0",
        "٢٩٩٩-01-01T00:00:00Z",
        4102444800,
        4102444800.5,
        True,
        [],
        {},
    ],
)
def test_expiry_is_in_the_future_and_has_a_zone(value: object) -> None:
    assert list(bad_body(ClipChange, {"expires_at": value})) == ["/expires_at"]


@pytest.mark.parametrize("value", [0, -1, 36501, 1.5, "5", True, [1], {}])
def test_retention_is_a_number_of_days_up_to_a_century(value: object) -> None:
    assert list(bad_body(VideoChange, {"retention_days": value})) == ["/retention_days"]


@pytest.mark.parametrize(("value", "read"), [(1, 1), (36500, 36500), (7.0, 7), (None, None)])
def test_retention_may_be_any_whole_number_of_days_or_null(value: object, read: int | None) -> None:
    assert read_body(VideoChange, {"retention_days": value}).retention_days == read


@pytest.mark.parametrize("value", [None, 0, 1, "true", [], {}])
def test_pinned_is_true_or_false(value: object) -> None:
    assert list(bad_body(ClipChange, {"pinned": value})) == ["/pinned"]


def test_each_malformed_cut_fails_alone() -> None:
    good = b'{"start_time": 1, "end_time": 2}'
    items = [
        b'{"start_time": NaN, "end_time": 2}',
        b'{"start_time": 2, "end_time": 2}',
        b'{"start_time": -1, "end_time": 2}',
        b'{"end_time": 2}',
        b'{"start_time": 1, "end_time": 2, "client_id": "a b"}',
        b"[]",
        b"null",
    ]
    read = read_body(NewCuts, b'{"clips": [%s]}' % b", ".join([good, *items, good]))
    kinds = [isinstance(item, CutItem) for item in read.items]
    assert kinds == [True, *[False] * len(items), True]


@pytest.mark.parametrize("number", [0, 101])
def test_cuts_are_one_to_a_hundred(number: int) -> None:
    items = b", ".join([b'{"start_time": 1, "end_time": 2}'] * number)
    assert bad_body(NewCuts, b'{"clips": [%s]}' % items)
