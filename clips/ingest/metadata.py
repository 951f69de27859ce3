"""What an uploader noted in a blob's metadata: title, start and end of the clip.

The case of names does not count, as in HTTP headers. HTTP headers are ASCII, so tools send
other characters in their own ways: percent-encoded, or as UTF-8 that storage reads as Latin-1.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from shared.model.clip import LONGEST_POSITION, title_from

# Any % begins an escape.
_PERCENT_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*%[0-9A-Fa-f]{2}(?:[^%]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes that make sense; times are seconds, `end_time` is later than `start_time`."""

    title: str | None
    start_time: float
    end_time: float | None


def notes_of(metadata: Mapping[str, str]) -> Notes:
    named = {name.lower(): value for name, value in metadata.items()}
    start = _seconds(named.get("start_time")) or 0.0
    end = _seconds(named.get("end_time"))
    return Notes(
        title=title_from(decoded(named.get("title", ""))),
        start_time=start,
        end_time=end if end is not None and end > start else None,
    )


def decoded(text: str) -> str:
    """The decoded text if only one reading is possible; otherwise the text unchanged."""
    if text.isascii():
        encoded = unquote_to_bytes(text) if _PERCENT_ENCODED.fullmatch(text) else b""
        return _utf8(encoded) or text
    corrected = _utf8(_latin_bytes(text))
    return decoded(corrected) if corrected else text  # two tools in a row may have misread it


def _latin_bytes(text: str) -> bytes:
    """What was read as Latin-1, as AzCopy does, or as Windows-1252; empty if it was neither.

    Windows-1252 lacks five bytes; programs read them as in Latin-1.
    """
    try:
        return b"".join(
            char.encode("latin-1") if char <= "\xff" else char.encode("cp1252") for char in text
        )
    except UnicodeEncodeError:
        return b""


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value <= LONGEST_POSITION else None
