"""Owns NCRONTAB expressions: six fields, seconds first, and the times that match them.

As in the library of the real host, day of month and day of week must both match, Sunday is 0,
months and weekdays may be any first letters of their English names, the ends of a range may be in
either order, and a step of 0 means 1. Five fields mean second 0. All times are UTC. Unlike the
real host, this module does not accept time spans.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_PART = re.compile(r"(?:(?P<all>\*)|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?")
# Eight years contain a 29 February even around 2100.
_SEARCH_LIMIT = timedelta(days=366 * 8)


class BadExpression(ValueError):
    """An expression that is not valid, or that no time matches."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The values that each field allows."""

    seconds: Sequence[int]
    minutes: Sequence[int]
    hours: Sequence[int]
    days: Sequence[int]
    months: Sequence[int]
    weekdays: Sequence[int]

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Reads an expression; raises BadExpression."""
        fields = expression.split()
        if len(fields) == 5:  # noqa: PLR2004 - without seconds
            fields.insert(0, "0")
        if len(fields) != 6:  # noqa: PLR2004 - with seconds
            raise BadExpression(f'"{expression}" has {len(fields)} fields instead of six')
        return cls(
            _parse_field(fields[0], 0, 59),
            _parse_field(fields[1], 0, 59),
            _parse_field(fields[2], 0, 23),
            _parse_field(fields[3], 1, 31),
            _parse_field(fields[4], 1, 12, _MONTHS),
            _parse_field(fields[5], 0, 6, _WEEKDAYS),
        )

    def next_after(self, moment: datetime) -> datetime:
        """The first matching time after `moment`; raises BadExpression if no time matches."""
        start = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        day = start.replace(hour=0, minute=0, second=0)
        while day - start < _SEARCH_LIMIT:
            if self._allows(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        if day.replace(hour=hour, minute=minute, second=59) < start:
                            continue
                        for second in self.seconds:
                            found = day.replace(hour=hour, minute=minute, second=second)
                            if found >= start:
                                return found
            day += timedelta(days=1)
        raise BadExpression("no time matches the schedule")

    def _allows(self, day: datetime) -> bool:
        weekday = (day.weekday() + 1) % 7
        return day.month in self.months and day.day in self.days and weekday in self.weekdays


def _parse_field(text: str, lowest: int, highest: int, names: Sequence[str] = ()) -> list[int]:
    values: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise BadExpression(f'"{part}" in a schedule cannot be understood')
        step = max(1, int(found["step"] or 1))
        low, high = lowest, highest
        if not found["all"]:
            low = _number(found["low"], lowest, names)
            # A step without an end runs to the last value: "10/20" is 10, 30, 50.
            high = _number(found["high"], lowest, names) if found["high"] else low
            high = highest if found["step"] and not found["high"] else high
        low, high = min(low, high), max(low, high)
        if not lowest <= low <= high <= highest:
            raise BadExpression(f'"{part}" in a schedule is out of range {lowest}-{highest}')
        values.update(range(low, high + 1, step))
    return sorted(values)


def _number(text: str, lowest: int, names: Sequence[str]) -> int:
    if text.isdecimal():
        return int(text)
    for position, name in enumerate(names):
        if name.startswith(text.lower()):
            return position + lowest
    raise BadExpression(f'"{text}" in a schedule is neither a number nor a known name')
