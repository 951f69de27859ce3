"""The types of the fields of sidecars, each with its bounds. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

LONGEST = 10_000
_AHEAD = timedelta(days=1)
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
_MOST_BYTES = 1 << 60


def _in_range(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"the year must be from {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment


def _not_ahead(moment: datetime) -> datetime:
    if moment > datetime.now(UTC) + _AHEAD:
        raise ValueError("must not be in the future")
    return moment


type AnyTime = Annotated[AwareDatetime, AfterValidator(_in_range)]
type PastTime = Annotated[AwareDatetime, AfterValidator(_in_range), AfterValidator(_not_ahead)]
type Text = Annotated[str, Field(max_length=LONGEST)]
type Seconds = Annotated[float, Field(ge=0, le=1e12)]
type ByteSize = Annotated[int, Field(ge=0, le=_MOST_BYTES)]
type Status = Literal["awaiting_upload", "processing", "ready", "failed"]
