"""The check of a schedule: an NCRONTAB expression of six fields that some moment matches. Pure.

The Functions host leaves a function with any other schedule out, and starts the rest. Source of
the rules: NCrontab, https://github.com/atifaziz/NCrontab/wiki/Crontab-Expression.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

_PART = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([1-9]\d?))?", re.ASCII)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
# Seconds, minutes, hours, day, month, weekday; the last two by any first letters of their names.
_FIELDS: Sequence[tuple[int, int, Sequence[str]]] = (
    (0, 59, ()),
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 6, _WEEKDAYS),
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # of each month, at most


def check_schedule(value: str) -> str | None:
    """What is wrong with a schedule, or None."""
    texts = value.split()
    if len(texts) == len(_FIELDS):
        days, months = _values(texts[3], *_FIELDS[3]), _values(texts[4], *_FIELDS[4])
        if all(_values(text, *field) for text, field in zip(texts, _FIELDS, strict=True)):
            if any(min(days) <= _DAYS[month - 1] for month in months):
                return None
            return "names a day that none of its months has"
    return "must be an NCRONTAB expression of six fields, such as 0 */5 * * * *"


def next_moment(schedule: str, after: datetime) -> datetime:
    """The next moment that a valid schedule matches, in UTC as the host counts."""
    seconds, minutes, hours, days, months, weekdays = (
        _values(text, *field) for text, field in zip(schedule.split(), _FIELDS, strict=True)
    )
    times = sorted(time(h, m, s, tzinfo=UTC) for h in hours for m in minutes for s in seconds)
    earliest = after.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    date = earliest.date()
    while True:
        # Sunday is 0 here, and 7 for isoweekday.
        if date.month in months and date.day in days and date.isoweekday() % 7 in weekdays:
            for at in times:
                if (found := datetime.combine(date, at)) >= earliest:
                    return found
        date += timedelta(days=1)


def _values(text: str, lowest: int, highest: int, names: Sequence[str]) -> set[int]:
    """All values that a field means; none for a malformed field."""
    values: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            return set()
        low, high, step = found.groups()
        first = lowest if low is None else _number(low, lowest, names)
        last = _number(high, lowest, names) if high else first
        if low is None or (step and not high):
            last = highest
        if not (lowest <= first <= highest and lowest <= last <= highest):
            return set()
        values.update(range(min(first, last), max(first, last) + 1, int(step or 1)))
    return values


def _number(text: str, lowest: int, names: Sequence[str]) -> int:
    """The value of a number or a name; one that no field has for anything else."""
    if text.isdecimal():
        return int(text)
    fitting = (n for n, name in enumerate(names, lowest) if name.startswith(text.lower()))
    return next(fitting, -1)
