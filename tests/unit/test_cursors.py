"""A cursor leads to the end of its page; a malformed one is refused."""

import json
import math
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from clips.http import cursors

ROW = UUID("0190a5c4-0000-7000-8000-000000000001")


def cursor(key: object, row: object = str(ROW)) -> str:
    """A forged cursor."""
    return packed(json.dumps([key, row]).encode())


def packed(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def is_by_time(text: str) -> bool:
    return _accepts(cursors.decode_time, text)


def is_by_position(text: str) -> bool:
    return _accepts(cursors.decode_position, text)


def _accepts(decode: Callable[[str], object], text: str) -> bool:
    """Whether it is a cursor; raises every exception except ValueError."""
    try:
        decode(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 22, 19, 31, 5, 123456, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 7, 1, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
)
def test_time_in_a_cursor_keeps_its_value(moment: datetime) -> None:
    found, row = cursors.decode_time(cursors.encode(moment, ROW))
    assert (found, row) == (moment, ROW)
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize("position", [0, 0.0, 1.5, 0.1 + 0.2, 9_999_999.999999999, 5e-324, 12])
def test_position_in_a_cursor_keeps_its_value(position: float) -> None:
    assert cursors.decode_position(cursors.encode(position, ROW)) == (position, ROW)


def test_cursor_needs_no_escaping_in_a_url() -> None:
    for number in range(200):
        text = cursors.encode(number / 7, UUID(int=number << 64))
        assert text.replace("-", "").replace("_", "").isalnum()


RUBBISH = {
    "nothing": "",
    "no base64": "%%%",
    "not ascii": "\N{SNOWMAN}",
    "surrogate": "\ud800",
    "one letter": "a",
    "no json": packed(b"rubbish"),
    "no utf-8": packed(b"\xff\xfe\xfd"),
    "empty json": packed(b"[]"),
    "null": packed(b"null"),
    "number": packed(b"5"),
    "text": packed(b'"ab"'),
    "object": packed(b'{"a": 1, "b": 2}'),
    "three": packed(json.dumps([1.0, str(ROW), 3]).encode()),
    "deep": packed(b"[" * 9000),
    "row is a number": cursor(1.0, 5),
    "row is a list": cursor(1.0, [str(ROW)]),
    "row is null": cursor(1.0, None),
    "row is no uuid": cursor(1.0, "x"),
    "key is null": cursor(None),
    "key is a list": cursor([1.0]),
    "key is text": cursor("soon"),
    "key is true": cursor(True),  # noqa: FBT003 - a JSON value, no switch
    "long": packed(b"1" * 100_000),
}


@pytest.mark.parametrize("text", RUBBISH.values(), ids=RUBBISH.keys())
def test_malformed_cursor_is_refused(text: str) -> None:
    assert not is_by_time(text)
    assert not is_by_position(text)


def test_cursor_of_another_list_is_refused() -> None:
    by_time, by_position = cursors.encode(datetime.now(UTC), ROW), cursors.encode(1.5, ROW)
    assert is_by_time(by_time)
    assert not is_by_position(by_time)
    assert is_by_position(by_position)
    assert not is_by_time(by_position)


@pytest.mark.parametrize("key", [math.nan, math.inf, -math.inf, 10**400, 10**308 * 9, 5])
def test_position_in_a_cursor_is_a_finite_number(key: float) -> None:
    assert not is_by_position(cursor(key))


@pytest.mark.parametrize(
    "key",
    [
        "2026-11-22T19:31:05",
        "2026-11-22",
        "9999-12-31T23:59:59-00:01",
        "0001-01-01T00:00:00+00:01",
        "2026-13-01T00:00:00+00:00",
    ],
)
def test_time_has_a_zone_and_lies_within_the_calendar(key: str) -> None:
    assert not is_by_time(cursor(key))


@pytest.mark.parametrize("zone", ["+23:59", "-23:59", "+00:00:30.5"])
def test_zone_that_postgres_does_not_know_does_not_reach_it(zone: str) -> None:
    moment, _ = cursors.decode_time(cursor(f"2026-11-22T12:00:00{zone}"))
    assert moment.tzinfo is UTC


def test_tampered_cursor_is_invalid_or_another_place_in_the_same_list() -> None:
    good = cursors.encode(1.5, ROW)
    for index, letter in enumerate(good):
        text = good[:index] + ("A" if letter != "A" else "B") + good[index + 1 :]
        try:
            position, row = cursors.decode_position(text)
        except ValueError:
            continue
        assert math.isfinite(position)
        assert isinstance(row, UUID)
