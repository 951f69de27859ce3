"""Opaque cursors for paging: the sort key of the last row of a page, encoded for a URL."""

import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID


def encode(position: datetime | float, row_id: UUID) -> str:
    key = position.isoformat() if isinstance(position, datetime) else float(position)
    return urlsafe_b64encode(json.dumps([key, str(row_id)]).encode()).decode().rstrip("=")


def decode_time(cursor: str) -> tuple[datetime, UUID]:
    """The key of a list by time; raises ValueError for a text that `encode` did not make."""
    key, row_id = _decode(cursor)
    moment = datetime.fromisoformat(str(key))
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    try:
        return moment.astimezone(UTC), row_id
    except OverflowError as error:
        raise ValueError("a time beyond the calendar") from error


def decode_position(cursor: str) -> tuple[float, UUID]:
    """The key of a list by seconds; raises ValueError for a text that `encode` did not make."""
    key, row_id = _decode(cursor)
    if not isinstance(key, float) or not math.isfinite(key):
        raise ValueError("not a cursor by position")
    return key, row_id


def _decode(cursor: str) -> tuple[object, UUID]:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key, row_id = json.loads(text)
        return key, UUID(row_id)
    except (TypeError, AttributeError, RecursionError) as error:  # JSON of another shape
        raise ValueError("not a cursor") from error
