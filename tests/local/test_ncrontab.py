"""NCRONTAB expressions, as the real host reads them."""

from datetime import UTC, datetime

import pytest

from local.host.ncrontab import BadExpression, Schedule


def _next(expression: str, after: str) -> str:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    return Schedule.parse(expression).next_after(moment).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("expression", "after", "due"),
    [
        ("0 */5 * * * *", "2026-03-01 10:02:03", "2026-03-01 10:05:00"),
        ("0 */5 * * * *", "2026-03-01 10:05:00", "2026-03-01 10:10:00"),
        ("*/10 * * * * *", "2026-03-01 10:00:51", "2026-03-01 10:01:00"),
        ("*/5 * * * *", "2026-03-01 10:02:03", "2026-03-01 10:05:00"),
        ("0 10/20 * * * *", "2026-03-01 10:31:00", "2026-03-01 10:50:00"),
        ("0 0 9-17 * * 1-5", "2026-03-06 17:30:00", "2026-03-09 09:00:00"),
        ("0 0 9-17 * * mon-fri", "2026-03-06 17:30:00", "2026-03-09 09:00:00"),
        ("0 0 0 1 jan *", "2026-03-01 00:00:00", "2027-01-01 00:00:00"),
        ("0 0 0 1,15 * *", "2026-03-02 00:00:00", "2026-03-15 00:00:00"),
        ("0 0 0 29 2 *", "2026-03-01 00:00:00", "2028-02-29 00:00:00"),
        ("59 59 23 31 12 *", "2026-12-31 23:59:59", "2027-12-31 23:59:59"),
        ("0 0 0 * * sunday", "2026-03-02 00:00:00", "2026-03-08 00:00:00"),
        ("0 0 0 * * mond", "2026-03-03 00:00:00", "2026-03-09 00:00:00"),
        ("0 0 0 1 Au SU", "2026-03-01 00:00:00", "2027-08-01 00:00:00"),
        ("0 10-5 * * * *", "2026-03-01 10:11:00", "2026-03-01 11:05:00"),
        ("*/0 * * * * *", "2026-03-01 10:11:00", "2026-03-01 10:11:01"),
        ("0 0 0 13 * 5", "2026-04-01 00:00:00", "2026-11-13 00:00:00"),
    ],
)
def test_next_time_matches_the_expression(expression: str, after: str, due: str) -> None:
    """The next time is after the given one, and day and weekday must both fit."""
    assert _next(expression, after) == due


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "60 * * * * *", "0 0 24 * * *", "0 0 0 0 * *", "0 0 0 * 13 *",
     "0 0 0 * * 7", "0 0 0 * * someday", "0 0 0 * * sundry", "0 0 0 * june. *", "a * * * * *",
     "0 0 0 L * *", "0 0 0 ? * *", "@daily", "0 0 -1 * * *", "* * * * * * *"],
)  # fmt: skip
def test_malformed_expressions_are_refused(expression: str) -> None:
    """A mistake is reported at the start, not by a timer that never fires."""
    with pytest.raises(BadExpression):
        Schedule.parse(expression)


def test_expression_that_no_time_matches_is_refused() -> None:
    """There is no 30 February."""
    with pytest.raises(BadExpression, match="no time"):
        _next("0 0 0 30 2 *", "2026-01-01 00:00:00")
