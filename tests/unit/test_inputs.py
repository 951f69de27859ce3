"""What requests may hold: every bad field is named at once, and nothing bad gets through."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import azure.functions as func
import pytest

from clips.compose import Services
from clips.http import cursors, inputs
from clips.http.inputs import Body, Parameters
from clips.http.request import Request
from shared.errors import BodyTooLarge, FieldError, InvalidRequest, UnsupportedMediaType
from shared.model import ClipStatus, User, Variant

VIDEO = UUID("0190a5c4-1111-7000-8000-00000000000a")
CLIP = UUID("0190a5c4-2222-7000-8000-00000000000b")
JSON = "application/json"


def call(
    body: object = b"",
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    content_type: str | None = JSON,
) -> Request:
    """A call with a body as bytes, or as something that JSON writes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = func.HttpRequest(
        method="POST",
        url="https://clips.example.org/api/videos?old=1",
        headers={} if content_type is None else {"Content-Type": content_type},
        params=dict(query or {}),
        route_params=dict(path or {}),
        body=raw,
    )
    nobody = cast("Services", None)  # parsing needs no service
    return Request(nobody, request, User(uuid4(), "alice", frozenset()))


def read_body[B: Body](kind: type[B], body: object) -> B:
    return call(body).body(kind)


def bad_body(kind: type[Body], body: object) -> dict[str, str]:
    """What is said of a body, by pointer."""
    with pytest.raises(InvalidRequest) as caught:
        read_body(kind, body)
    assert all(field.parameter is None for field in caught.value.fields)
    return {str(field.pointer): field.detail for field in caught.value.fields}


def bad_parameters(kind: type[Parameters], **values: str) -> dict[str, str]:
    """What is said of path and query, by parameter."""
    with pytest.raises(InvalidRequest) as caught:
        call(query=values).parameters(kind)
    assert all(field.pointer is None for field in caught.value.fields)
    return {str(field.parameter): field.detail for field in caught.value.fields}


def new_clip(**changes: object) -> dict[str, object]:
    return {"start_time": 1, "end_time": 2.5} | changes


# --- Bodies that are no JSON object

NO_OBJECT = {
    "empty list": b"[]",
    "null": b"null",
    "number": b"5",
    "text": b'"title"',
    "half": b'{"title": "a"',
    "rubbish": b"title=a",
    "two": b"{} {}",
    "single quotes": b"{'title': 'a'}",
    "comment": b'{"title": "a" /* b */}',
    "trailing comma": b'{"title": "a",}',
    "leading zero": b'{"start_time": 01, "end_time": 2}',
    "no utf-8": b'{"title": "\xff"}',
    "utf-16": '{"title": "a"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "raw NUL": b'{"title": "a\0"}',
    "lone high surrogate": rb'{"title": "\ud800"}',
    "lone low surrogate": rb'{"title": "\udc00"}',
    "surrogate in a name": rb'{"\ud800": 1}',
    "deep list": b"[" * 60_000,
    "deep object": b'{"title":' * 7_000,
    "deep but closed": b'{"title":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "endless number": b'{"start_time": 0, "end_time": ' + b"1" * 6_000 + b"}",
}


@pytest.mark.parametrize("raw", NO_OBJECT.values(), ids=NO_OBJECT.keys())
@pytest.mark.parametrize("kind", [inputs.NewVideo, inputs.NewClip, inputs.ClipChange])
def test_what_is_no_json_object_is_refused_whole(kind: type[Body], raw: bytes) -> None:
    assert list(bad_body(kind, raw)) == [""]


def test_where_no_field_is_to_blame_the_fault_itself_is_told() -> None:
    with pytest.raises(InvalidRequest, match=r"^The request does not fit: Invalid JSON: .+[^.]\.$"):
        read_body(inputs.NewVideo, b"{")
    with pytest.raises(InvalidRequest, match=r"^The request does not fit: must name a field"):
        read_body(inputs.ClipChange, {})
    with pytest.raises(InvalidRequest, match=r"^Look at: /end_time, /start_time\.$"):
        read_body(inputs.NewClip, {})


@pytest.mark.parametrize("value", [1, None, [], "a" * 256, "a\nb"])
def test_of_a_field_of_two_kinds_the_pointer_is_the_fields_own(value: object) -> None:
    body = {"clip_ids": [str(CLIP)], "download": value}
    assert list(bad_body(inputs.AccessUrls, body)) == ["/download"]


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_links_are_asked_for_up_to_a_thousand_clips_and_one_may_be_named_twice(count: int) -> None:
    body = {"clip_ids": [str(CLIP)] * count}
    assert read_body(inputs.AccessUrls, body).clip_ids == [CLIP] * count


@pytest.mark.parametrize("count", [0, 1001])
def test_links_are_not_asked_for_no_clip_or_more_than_a_thousand(count: int) -> None:
    assert list(bad_body(inputs.AccessUrls, {"clip_ids": [str(CLIP)] * count})) == ["/clip_ids"]


def test_no_body_is_an_empty_object() -> None:
    assert read_body(inputs.NewVideo, b"") == inputs.NewVideo()


def test_a_body_of_64_kib_is_the_largest() -> None:
    fitting = b'{"title": "a"}'.ljust(64 * 1024)
    assert read_body(inputs.NewVideo, fitting).title == "a"
    with pytest.raises(BodyTooLarge):
        read_body(inputs.NewVideo, fitting + b" ")


@pytest.mark.parametrize(
    "content_type", [None, JSON, "application/json; charset=utf-8", "Application/JSON", "a/b+json"]
)
def test_json_goes_by_many_names(content_type: str | None) -> None:
    read = call({"title": "a"}, content_type=content_type).body(inputs.NewVideo)
    assert read.title == "a"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", "text/json"],
)
def test_another_media_type_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        call({"title": "a"}, content_type=content_type).body(inputs.NewVideo)


# --- All that is wrong, at once


def test_every_bad_field_of_body_path_and_query_is_named_at_once() -> None:
    bad = call(
        {"start_time": "0", "end_time": None, "title": "a\0", "content_type": "text/html", "x": 1},
        path={"video_id": "7"},
        query={"limit": "5"},
    )
    with pytest.raises(InvalidRequest) as caught:
        bad.parameters_and_body(inputs.VideoId, inputs.NewClip)
    fields = caught.value.fields
    assert {field.parameter for field in fields if field.parameter} == {"video_id", "limit"}
    assert {field.pointer for field in fields if field.pointer} == {
        "/start_time",
        "/end_time",
        "/title",
        "/content_type",
        "/x",
    }
    for name in ("video_id", "limit", "/start_time", "/end_time", "/title", "/content_type", "/x"):
        assert name in caught.value.detail
    assert all(field.detail for field in fields)


@pytest.mark.parametrize(
    ("name", "pointer"),
    [("a/b", "/a~1b"), ("a~b", "/a~0b"), ("~1", "/~01"), ("", "/"), (" ", "/ "), ("é", "/é")],
)
def test_a_pointer_is_escaped_as_rfc_6901_says(name: str, pointer: str) -> None:
    assert list(bad_body(inputs.NewVideo, {name: 1})) == [pointer]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (inputs.NewVideo, {"titel": "a"}),
        (inputs.NewClip, new_clip(status="ready")),
        (inputs.NewClip, new_clip(id=str(CLIP))),
        (inputs.ClipChange, {"title": "a", "blob_url": "https://example.org"}),
    ],
)
def test_an_unknown_field_is_an_error(kind: type[Body], body: dict[str, object]) -> None:
    """A misspelt one must not pass for an absent one."""
    assert len(bad_body(kind, body)) == 1


def test_of_a_field_given_twice_the_last_counts_and_is_checked() -> None:
    twice = b'{"start_time": 9, "end_time": 2, "start_time": %s}'
    assert read_body(inputs.NewClip, twice % b"1").start_time == 1
    assert list(bad_body(inputs.NewClip, twice % b'"1"')) == ["/start_time"]
    assert list(bad_body(inputs.NewClip, twice % b"3")) == ["/end_time"]


# --- Fields of bodies


def test_a_new_clip_as_it_should_be() -> None:
    read = read_body(
        inputs.NewClip,
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
def test_a_position_is_a_number_of_seconds(raw: bytes) -> None:
    for other, name in ((b"0", "end_time"), (b"7", "start_time")):
        names = (b"start_time", b"end_time") if name == "end_time" else (b"end_time", b"start_time")
        body = b'{"%s": %s, "%s": %s}' % (names[0], other, names[1], raw)
        assert list(bad_body(inputs.NewClip, body)) == [f"/{name}"]


def test_both_positions_are_needed() -> None:
    assert list(bad_body(inputs.NewClip, {})) == ["/start_time", "/end_time"]


@pytest.mark.parametrize(("start", "end"), [(5, 5), (5, 4.999), (0, 0), (0.0, -0.0), (9e6, 1)])
def test_a_clip_ends_after_it_starts(start: float, end: float) -> None:
    said = bad_body(inputs.NewClip, {"start_time": start, "end_time": end})
    assert said == {"/end_time": "must be greater than start_time"}


@pytest.mark.parametrize(("start", "end"), [(0, 0.001), (-0.0, 1), (0, 5e-324), (0, 10_000_000)])
def test_extreme_but_good_positions_are_taken(start: float, end: float) -> None:
    read = read_body(inputs.NewClip, {"start_time": start, "end_time": end})
    assert read.end_time > read.start_time >= 0


def test_a_bad_start_does_not_hide_a_bad_end() -> None:
    said = bad_body(inputs.NewClip, {"start_time": -1, "end_time": "2"})
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
@pytest.mark.parametrize("kind", [inputs.NewVideo, inputs.NewClip, inputs.ClipChange])
def test_a_title_is_one_line_of_text(kind: type[Body], value: object) -> None:
    more = new_clip() if kind is inputs.NewClip else {}
    assert list(bad_body(kind, more | {"title": value})) == ["/title"]


@pytest.mark.parametrize("value", ["x" * 500, "日本語", "🎬 Žofie", "a  b", "<b>", "%00", "\\0"])
def test_a_title_is_any_line_of_text(value: str) -> None:
    assert read_body(inputs.NewVideo, {"title": value}).title == value


@pytest.mark.parametrize("value", ["", "a b", "a/b", "x" * 65, "ž", "a\n", 5, "dQw4w9WgXcQ&t=1"])
def test_a_youtube_id_is_plain(value: object) -> None:
    assert list(bad_body(inputs.NewVideo, {"youtube_id": value})) == ["/youtube_id"]


@pytest.mark.parametrize("value", ["a\0.mp4", "a\n.mp4", "\x7f", "x" * 256, 5, ["a.mp4"]])
def test_a_file_name_is_one_line(value: object) -> None:
    assert list(bad_body(inputs.NewClip, new_clip(filename=value))) == ["/filename"]


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
        "",
        5,
    ],
)
def test_a_media_type_is_one_of_video_or_audio(value: object) -> None:
    """Blobs are served as what they are said to be: nothing that runs in a browser."""
    assert list(bad_body(inputs.NewClip, new_clip(content_type=value))) == ["/content_type"]


@pytest.mark.parametrize(
    "value", ["video/webm;codecs=vp9,opus", "video/webm; x=<b>", " VIDEO/webm "]
)
def test_what_a_recorder_adds_to_a_media_type_is_left_out(value: str) -> None:
    assert inputs.NewClip.model_validate(new_clip(content_type=value)).content_type == "video/webm"


@pytest.mark.parametrize("value", ["", " \t\n"])
def test_a_blank_title_is_none(value: str) -> None:
    """Forms send an empty text for a field that was left empty."""
    assert inputs.NewClip.model_validate(new_clip(title=value)).title is None
    assert inputs.ClipChange.model_validate({"title": value}).model_fields_set == {"title"}


@pytest.mark.parametrize("value", ["video/mp4", "audio/mpeg", "application/octet-stream"])
def test_media_types_of_clips_are_taken(value: str) -> None:
    assert read_body(inputs.NewClip, new_clip(content_type=value)).content_type == value


# --- Changes


def test_a_change_names_something() -> None:
    assert bad_body(inputs.ClipChange, {}) == {"": "must name a field to change"}


def test_null_clears_and_absent_leaves() -> None:
    read = read_body(inputs.ClipChange, {"title": None})
    assert read.title is None
    assert read.model_fields_set == {"title"}


@pytest.mark.parametrize(
    "text", ["2999-01-01T00:00:00Z", "2999-01-01t00:00:00z", "2999-01-01 01:00:00+01:00"]
)
def test_an_end_of_life_is_a_moment(text: str) -> None:
    read = read_body(inputs.ClipChange, {"expires_at": text})
    assert read.expires_at == datetime(2999, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2999-01-01T00:00:00+23:59", "9999-12-30T00:00:00Z"])
def test_a_moment_reaches_the_database_in_utc(text: str) -> None:
    """Postgres takes offsets below 16 hours only, and no year beyond 9999 comes back."""
    read = read_body(inputs.ClipChange, {"expires_at": text})
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
        "",
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
def test_an_end_of_life_is_in_the_future_and_has_a_zone(value: object) -> None:
    assert list(bad_body(inputs.ClipChange, {"expires_at": value})) == ["/expires_at"]


# --- Path and query


@pytest.mark.parametrize(
    "text",
    [
        *("7", "x" * 36, str(CLIP)[:-1], f"{CLIP}0", f" {CLIP}", "null", "\0", "../x", "x" * 9999),
        *(CLIP.hex, f"{{{CLIP}}}", CLIP.urn),  # other spellings of the same
    ],
)
def test_a_malformed_id_is_named(text: str) -> None:
    assert list(bad_parameters(inputs.ClipId, clip_id=text)) == ["clip_id"]
    said = bad_parameters(inputs.ClipOfVideo, clip_id=text, video_id=text)
    assert sorted(said) == ["clip_id", "video_id"]


def test_the_case_of_an_id_does_not_matter() -> None:
    assert call(path={"clip_id": str(CLIP).upper()}).parameters(inputs.ClipId).clip_id == CLIP


@pytest.mark.parametrize("text", ["1_0", "+5", " 5", "5.", ".5", "05", "1e", "٣", "0x10", "5\n"])
def test_a_time_is_spelt_as_json_spells_it(text: str) -> None:
    assert list(bad_parameters(inputs.Thumbnail, clip_id=str(CLIP), time=text)) == ["time"]


@pytest.mark.parametrize(("text", "time"), [("0", 0), ("12.5", 12.5), ("1e2", 100), ("5", 5)])
def test_a_time_may_be_any_number(text: str, time: float) -> None:
    asked = call(path={"clip_id": str(CLIP)}, query={"time": text})
    assert asked.parameters(inputs.Thumbnail).time == time


def test_half_a_surrogate_pair_is_no_id() -> None:
    assert list(bad_parameters(inputs.ClipId, clip_id="\ud800")) == ["clip_id"]


def test_an_unknown_parameter_is_an_error() -> None:
    said = bad_parameters(inputs.ClipPage, video_id=str(VIDEO), limt="5", sort="title")
    assert sorted(said) == ["limt", "sort"]


@pytest.mark.parametrize(
    "text",
    [
        *("0", "-1", "1001", "1.5", "1e2", "ten", "NaN", "٣", "\0", "9" * 5000, "true", "0x10"),
        *("1_0", "1.0", "+5", " 5", "5 ", "05", "--5", "5\n"),  # Python would take these
    ],
)
def test_a_limit_is_a_number_from_1_to_1000(text: str) -> None:
    assert list(bad_parameters(inputs.VideoPage, limit=text)) == ["limit"]
    assert list(bad_parameters(inputs.ClipPage, video_id=str(VIDEO), limit=text)) == ["limit"]


@pytest.mark.parametrize("text", ["0", "169", "-1", "24.5", "Infinity", "a day"])
def test_expiry_hours_go_from_1_to_168(text: str) -> None:
    said = bad_parameters(inputs.AccessUrl, clip_id=str(CLIP), expiry_hours=text)
    assert list(said) == ["expiry_hours"]


def test_a_whole_number_is_one_however_json_spells_it() -> None:
    """JSON knows numbers only: 24.0 is the integer 24."""
    body = {"clip_ids": [str(CLIP)], "expiry_hours": 24.0}
    assert read_body(inputs.AccessUrls, body).expiry_hours == 24
    for value in (24.5, "24", True):
        assert list(bad_body(inputs.AccessUrls, body | {"expiry_hours": value})) == [
            "/expiry_hours"
        ]


def test_an_empty_parameter_is_an_absent_one() -> None:
    path = {"video_id": str(VIDEO)}
    page = call(query={"limit": "", "cursor": "", "status": ""}, path=path)
    assert page.parameters(inputs.ClipPage) == call(path=path).parameters(inputs.ClipPage)


def test_the_defaults_of_the_contract() -> None:
    page = call(path={"video_id": str(VIDEO)}).parameters(inputs.ClipPage)
    assert (page.limit, page.cursor, page.status) == (1000, None, None)
    link = call(path={"clip_id": str(CLIP)}).parameters(inputs.AccessUrl)
    assert (link.expiry_hours, link.ip, link.download) == (24, None, None)
    assert link.variant is Variant.CLIP


@pytest.mark.parametrize("text", ["Ready", "done", "ready,failed", "\0"])
def test_a_status_is_one_of_four(text: str) -> None:
    assert list(bad_parameters(inputs.ClipPage, video_id=str(VIDEO), status=text)) == ["status"]


@pytest.mark.parametrize("status", list(ClipStatus))
def test_every_status_can_be_asked_for(status: ClipStatus) -> None:
    page = call(query={"status": status.value}, path={"video_id": str(VIDEO)})
    assert page.parameters(inputs.ClipPage).status is status


@pytest.mark.parametrize("text", ["Clip", "thumbnail", "clip poster"])
def test_a_variant_is_one_of_three(text: str) -> None:
    said = bad_parameters(inputs.AccessUrl, clip_id=str(CLIP), variant=text)
    assert list(said) == ["variant"]


@pytest.mark.parametrize("text", ["203.0.113.4", "203.0.113.4-203.0.113.9", "0.0.0.0-0.0.0.0"])
def test_an_address_or_a_range_of_addresses(text: str) -> None:
    link = call(query={"ip": text}, path={"clip_id": str(CLIP)}).parameters(inputs.AccessUrl)
    assert link.ip == text


@pytest.mark.parametrize(
    "text",
    [
        "::1",
        "203.0.113",
        "203.0.113.256",
        "0203.0.113.4",
        "203.0.113.4/24",
        "203.0.113.9-203.0.113.4",
        "203.0.113.4-",
        "-203.0.113.4",
        "203.0.113.4-203.0.113.5-203.0.113.6",
        "203.0.113.4&sp=rwd",
        "٢٠٣.0.113.4",
        "localhost",
        "\0",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert list(bad_parameters(inputs.AccessUrl, clip_id=str(CLIP), ip=text)) == ["ip"]


@pytest.mark.parametrize("text", ["a\nb.mp4", "a\0", "x" * 256, "a\r\nX-Evil: 1"])
def test_a_download_name_is_one_line(text: str) -> None:
    assert list(bad_parameters(inputs.AccessUrl, clip_id=str(CLIP), download=text)) == ["download"]


@dataclass(frozen=True)
class Page:
    """A list, its parameters without the cursor, and a cursor of the other list."""

    kind: type[Parameters]
    path: dict[str, str]
    foreign: str


PAGES = [
    Page(inputs.VideoPage, {}, cursors.encode(1.5, CLIP)),
    Page(inputs.ClipPage, {"video_id": str(VIDEO)}, cursors.encode(datetime.now(UTC), CLIP)),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.kind.__name__)
def test_a_bad_cursor_is_named(page: Page) -> None:
    huge = cursors.encode(1.5, CLIP)[:-4]
    for text in ("rubbish", "%", "\ud800", page.foreign, huge, "W10", "x" * 9999):
        said = bad_parameters(page.kind, **page.path, cursor=text)
        assert said == {"cursor": "must be a cursor from the Link header of the page before"}


def test_a_cursor_is_read_into_its_key() -> None:
    moment = datetime(2026, 11, 22, 19, 31, 5, 123456, tzinfo=UTC)
    videos = call(query={"cursor": cursors.encode(moment, CLIP)}).parameters(inputs.VideoPage)
    assert videos.cursor == (moment, CLIP)
    query = {"cursor": cursors.encode(12.5, CLIP)}
    clips = call(query=query, path={"video_id": str(VIDEO)}).parameters(inputs.ClipPage)
    assert clips.cursor == (12.5, CLIP)


@pytest.mark.parametrize("again", [str(CLIP), str(VIDEO), "x"])
def test_what_the_path_names_is_not_named_again_in_the_query(again: str) -> None:
    """?clip_id=... neither stands in for the id in the path nor passes unseen."""
    other = call(path={"clip_id": str(CLIP)}, query={"clip_id": again})
    with pytest.raises(InvalidRequest) as caught:
        other.parameters(inputs.ClipId)
    assert caught.value.fields == (FieldError("stands in the path", parameter="clip_id"),)


def test_one_item_too_many_makes_a_link_to_the_next_page() -> None:
    """The link keeps the query, and goes on from the last item that is shown."""
    asked = call(query={"status": "ready", "limit": "2", "cursor": "old"})
    shown, headers = asked.page([1.0, 2.0, 3.0], 2, lambda start: (start, CLIP))
    cursor = cursors.encode(2.0, CLIP)
    url = f"https://clips.example.org/api/videos?status=ready&limit=2&cursor={cursor}"
    assert (shown, headers) == ([1.0, 2.0], {"Link": f'<{url}>; rel="next"'})
    assert asked.page([1.0, 2.0], 2, lambda start: (start, CLIP)) == ([1.0, 2.0], {})
