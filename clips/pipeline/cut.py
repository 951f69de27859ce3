"""The cuts that a pipeline orders."""

import re
from dataclasses import dataclass

from shared.model.clip import LONGEST_POSITION, LONGEST_TITLE
from shared.model.cutting import CLIENT_ID


@dataclass(frozen=True, slots=True)
class Cut:
    """A range of a source, in seconds, and the title of its clip; raises ValueError.

    A cut with a `client_id` that was used for the video before is that clip again, not a new one.
    """

    start_time: float
    end_time: float
    title: str | None = None
    client_id: str | None = None

    def __post_init__(self) -> None:
        check_range(self.start_time, self.end_time)
        check_title(self.title)
        if self.client_id is not None and not re.fullmatch(CLIENT_ID, self.client_id):
            raise ValueError("client_id must be 1 to 200 visible ASCII characters")


def check_range(start_time: float, end_time: float) -> None:
    """Raises ValueError if the seconds are not a range of a video."""
    if not 0 <= start_time < end_time <= LONGEST_POSITION:
        raise ValueError(
            "start_time must be 0 or more, and end_time greater than start_time and up to "
            f"{LONGEST_POSITION:.0f} seconds"
        )


def check_title(title: str | None) -> None:
    """Raises ValueError if the text is not a title."""
    if len(title or "") > LONGEST_TITLE or not (title or "").isprintable():
        raise ValueError(f"title must be up to {LONGEST_TITLE} printable characters")
