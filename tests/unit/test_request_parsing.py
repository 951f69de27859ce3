"""A request is parsed whole: every bad field of path, query and body is named at once."""

from typing import cast

import pytest

from clips.compose import Services
from clips.http import cursors
from clips.http.inputs.base import Body
from clips.http.inputs.clips import ClipChange, ClipId, NewClip, NewVideo, VideoId
from clips.http.inputs.links import AccessUrls
from clips.http.parsing import parse
from clips.http.request import AnonymousRequest
from shared.errors import BodyTooLarge, FieldError, InvalidRequest, UnsupportedMediaType
from tests.unit.requests import (
    CLIP,
    JSON,
    VIDEO,
    bad_body,
    call,
    new_clip,
    read_body,
    read_parameters,
)

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
@pytest.mark.parametrize("kind", [NewVideo, NewClip, ClipChange])
def test_body_that_is_not_a_json_object_is_refused(kind: type[Body], raw: bytes) -> None:
    assert list(bad_body(kind, raw)) == [""]


def test_detail_names_the_fields_or_the_problem_itself() -> None:
    with pytest.raises(InvalidRequest, match=r"^Invalid request: Invalid JSON: .+[^.]\.$"):
        read_body(NewVideo, b"{")
    with pytest.raises(InvalidRequest, match=r"^Invalid request: must contain a field"):
        read_body(ClipChange, {})
    with pytest.raises(InvalidRequest, match=r"^Invalid fields: /end_time, /start_time\.$"):
        read_body(NewClip, {})


@pytest.mark.parametrize("value", [1, {}, [], "a" * 256, "a\nb"])
def test_pointer_to_a_field_of_two_types_is_its_own(value: object) -> None:
    body = {"clip_ids": [str(CLIP)], "download": value}
    assert list(bad_body(AccessUrls, body)) == ["/download"]


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_one_to_a_thousand_clips_are_accepted_and_may_repeat(count: int) -> None:
    body = {"clip_ids": [str(CLIP)] * count}
    assert read_body(AccessUrls, body).clip_ids == [CLIP] * count


@pytest.mark.parametrize("count", [0, 1001])
def test_no_clip_or_more_than_a_thousand_are_refused(count: int) -> None:
    assert list(bad_body(AccessUrls, {"clip_ids": [str(CLIP)] * count})) == ["/clip_ids"]


def test_missing_body_counts_as_an_empty_object() -> None:
    assert read_body(NewVideo, b"") == NewVideo()


def test_largest_body_is_64_kib() -> None:
    fitting = b'{"title": "a"}'.ljust(64 * 1024)
    assert read_body(NewVideo, fitting).title == "a"
    with pytest.raises(BodyTooLarge):
        read_body(NewVideo, fitting + b" ")


@pytest.mark.parametrize(
    "content_type", [None, JSON, "application/json; charset=utf-8", "Application/JSON", "a/b+json"]
)
def test_json_media_types_are_accepted(content_type: str | None) -> None:
    read = read_body(NewVideo, {"title": "a"}, content_type)
    assert read.title == "a"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", "text/json"],
)
def test_other_media_types_are_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        read_body(NewVideo, {"title": "a"}, content_type)


# --- All that is wrong, at once


def test_every_bad_field_of_body_path_and_query_is_named_at_once() -> None:
    bad = call(
        {"start_time": "0", "end_time": None, "title": "a\0", "content_type": "text/html", "x": 1},
        path={"video_id": "7"},
        query={"limit": "5"},
    )
    with pytest.raises(InvalidRequest) as caught:
        parse(bad, VideoId, NewClip)
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
def test_pointer_is_escaped_by_rfc_6901(name: str, pointer: str) -> None:
    assert list(bad_body(NewVideo, {name: 1})) == [pointer]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (NewVideo, {"titel": "a"}),
        (NewClip, new_clip(status="ready")),
        (NewClip, new_clip(id=str(CLIP))),
        (ClipChange, {"title": "a", "blob_url": "https://example.org"}),
    ],
)
def test_unknown_field_is_an_error(kind: type[Body], body: dict[str, object]) -> None:
    """A misspelt one must not pass for an absent one."""
    assert len(bad_body(kind, body)) == 1


def test_last_value_of_a_repeated_field_counts() -> None:
    twice = b'{"start_time": 9, "end_time": 2, "start_time": %s}'
    assert read_body(NewClip, twice % b"1").start_time == 1
    assert list(bad_body(NewClip, twice % b'"1"')) == ["/start_time"]
    assert list(bad_body(NewClip, twice % b"3")) == ["/end_time"]


@pytest.mark.parametrize("again", [str(CLIP), str(VIDEO), "x"])
def test_path_parameter_in_the_query_is_refused(again: str) -> None:
    """?clip_id=... neither replaces the id in the path nor is ignored."""
    with pytest.raises(InvalidRequest) as caught:
        read_parameters(ClipId, {"clip_id": str(CLIP)}, {"clip_id": again})
    assert caught.value.fields == (FieldError("is part of the path", parameter="clip_id"),)


def test_page_with_one_item_more_has_a_link_to_the_next() -> None:
    """The link keeps the query, and goes on from the last item that is shown."""
    query = {"status": "ready", "limit": "2", "cursor": "old"}
    asked = AnonymousRequest(cast("Services", None), call(query=query), None)  # needs no service
    shown, headers = asked.page([1.0, 2.0, 3.0], 2, lambda start: (start, CLIP))
    cursor = cursors.encode(2.0, CLIP)
    url = f"https://clips.example.org/api/videos?status=ready&limit=2&cursor={cursor}"
    assert (shown, headers) == ([1.0, 2.0], {"Link": f'<{url}>; rel="next"'})
    assert asked.page([1.0, 2.0], 2, lambda start: (start, CLIP)) == ([1.0, 2.0], {})
