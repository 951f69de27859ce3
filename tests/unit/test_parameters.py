"""Path and query parameters: values that are accepted, and errors for the others."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from clips.http import cursors
from clips.http.inputs.base import Parameters
from clips.http.inputs.clips import ClipId, ClipOfVideo, ClipPage, VideoPage
from clips.http.inputs.links import AccessUrl, AccessUrls, Thumbnail
from shared.model.clip import ClipStatus
from shared.model.link import Variant
from tests.unit.requests import CLIP, VIDEO, bad_body, bad_parameters, read_body, read_parameters


@pytest.mark.parametrize(
    "text",
    [
        *("7", "x" * 36, str(CLIP)[:-1], f"{CLIP}0", f" {CLIP}", "null", "\0", "../x", "x" * 9999),
        *(CLIP.hex, f"{{{CLIP}}}", CLIP.urn),  # other spellings of the same
    ],
)
def test_malformed_id_is_named(text: str) -> None:
    assert list(bad_parameters(ClipId, clip_id=text)) == ["clip_id"]
    said = bad_parameters(ClipOfVideo, clip_id=text, video_id=text)
    assert sorted(said) == ["clip_id", "video_id"]


def test_case_of_an_id_does_not_matter() -> None:
    assert read_parameters(ClipId, {"clip_id": str(CLIP).upper()}).clip_id == CLIP


@pytest.mark.parametrize("text", ["1_0", "+5", " 5", "5.", ".5", "05", "1e", "٣", "0x10", "5\n"])
def test_time_is_spelt_as_json_spells_it(text: str) -> None:
    assert list(bad_parameters(Thumbnail, clip_id=str(CLIP), time=text)) == ["time"]


@pytest.mark.parametrize(("text", "time"), [("0", 0), ("12.5", 12.5), ("1e2", 100), ("5", 5)])
def test_time_may_be_any_number(text: str, time: float) -> None:
    asked = read_parameters(Thumbnail, {"clip_id": str(CLIP)}, {"time": text})
    assert asked.time == time


def test_lone_surrogate_is_not_an_id() -> None:
    assert list(bad_parameters(ClipId, clip_id="\ud800")) == ["clip_id"]


def test_unknown_parameter_is_an_error() -> None:
    said = bad_parameters(ClipPage, video_id=str(VIDEO), limt="5", sort="title")
    assert sorted(said) == ["limt", "sort"]


@pytest.mark.parametrize(
    "text",
    [
        *("0", "-1", "1001", "1.5", "1e2", "ten", "NaN", "٣", "\0", "9" * 5000, "true", "0x10"),
        *("1_0", "1.0", "+5", " 5", "5 ", "05", "--5", "5\n"),  # Python would take these
    ],
)
def test_limit_is_a_number_from_1_to_1000(text: str) -> None:
    assert list(bad_parameters(VideoPage, limit=text)) == ["limit"]
    assert list(bad_parameters(ClipPage, video_id=str(VIDEO), limit=text)) == ["limit"]


@pytest.mark.parametrize("text", ["0", "169", "-1", "24.5", "Infinity", "a day"])
def test_expiry_hours_go_from_1_to_168(text: str) -> None:
    said = bad_parameters(AccessUrl, clip_id=str(CLIP), expiry_hours=text)
    assert list(said) == ["expiry_hours"]


def test_whole_number_is_one_however_json_spells_it() -> None:
    """JSON knows numbers only: 24.0 is the integer 24."""
    body = {"clip_ids": [str(CLIP)], "expiry_hours": 24.0}
    assert read_body(AccessUrls, body).expiry_hours == 24
    for value in (24.5, "24", True):
        assert list(bad_body(AccessUrls, body | {"expiry_hours": value})) == ["/expiry_hours"]


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0", "\u3000"])
def test_blank_parameter_is_an_absent_one(blank: str) -> None:
    path = {"video_id": str(VIDEO)}
    page = read_parameters(ClipPage, path, dict.fromkeys(("limit", "cursor", "status"), blank))
    assert page == read_parameters(ClipPage, path)


def test_defaults_are_those_of_the_contract() -> None:
    page = read_parameters(ClipPage, {"video_id": str(VIDEO)})
    assert (page.limit, page.cursor, page.status) == (1000, None, None)
    link = read_parameters(AccessUrl, {"clip_id": str(CLIP)})
    assert (link.expiry_hours, link.ip, link.download) == (24, None, None)
    assert link.variant is Variant.CLIP


@pytest.mark.parametrize("text", ["Ready", "done", "ready,failed", "\0"])
def test_status_is_one_of_four(text: str) -> None:
    assert list(bad_parameters(ClipPage, video_id=str(VIDEO), status=text)) == ["status"]


@pytest.mark.parametrize("status", list(ClipStatus))
def test_every_status_is_accepted(status: ClipStatus) -> None:
    page = read_parameters(ClipPage, {"video_id": str(VIDEO)}, {"status": status.value})
    assert page.status is status


@pytest.mark.parametrize("text", ["Clip", "thumbnail", "clip poster"])
def test_variant_is_one_of_three(text: str) -> None:
    said = bad_parameters(AccessUrl, clip_id=str(CLIP), variant=text)
    assert list(said) == ["variant"]


@pytest.mark.parametrize("text", ["203.0.113.4", "203.0.113.4-203.0.113.9", "0.0.0.0-0.0.0.0"])
def test_ip_is_an_address_or_a_range(text: str) -> None:
    link = read_parameters(AccessUrl, {"clip_id": str(CLIP)}, {"ip": text})
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
def test_ip_that_is_not_an_address_or_range_is_refused(text: str) -> None:
    assert list(bad_parameters(AccessUrl, clip_id=str(CLIP), ip=text)) == ["ip"]


@pytest.mark.parametrize("text", ["a\nb.mp4", "a\0", "x" * 256, "a\r\nX-Evil: 1"])
def test_download_name_is_one_line(text: str) -> None:
    assert list(bad_parameters(AccessUrl, clip_id=str(CLIP), download=text)) == ["download"]


@dataclass(frozen=True)
class Page:
    """A list, its parameters without the cursor, and a cursor of the other list."""

    kind: type[Parameters]
    path: dict[str, str]
    foreign: str


PAGES = [
    Page(VideoPage, {}, cursors.encode(1.5, CLIP)),
    Page(ClipPage, {"video_id": str(VIDEO)}, cursors.encode(datetime.now(UTC), CLIP)),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.kind.__name__)
def test_bad_cursor_is_named(page: Page) -> None:
    huge = cursors.encode(1.5, CLIP)[:-4]
    for text in ("rubbish", "%", "\ud800", page.foreign, huge, "W10", "x" * 9999):
        said = bad_parameters(page.kind, **page.path, cursor=text)
        assert said == {"cursor": "must be a cursor from the Link header of the previous page"}


def test_cursor_is_read_into_its_key() -> None:
    moment = datetime(2026, 11, 22, 19, 31, 5, 123456, tzinfo=UTC)
    videos = read_parameters(VideoPage, query={"cursor": cursors.encode(moment, CLIP)})
    assert videos.cursor == (moment, CLIP)
    query = {"cursor": cursors.encode(12.5, CLIP)}
    clips = read_parameters(ClipPage, {"video_id": str(VIDEO)}, query)
    assert clips.cursor == (12.5, CLIP)
