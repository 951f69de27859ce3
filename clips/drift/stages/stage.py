"""A stage of a run: the comparison of one container with the rows that belong to it.

A stage looks at one page of a listing and at the rows in the same range of names. Neither side is
ever held as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from clips.drift.comparison_times import ComparisonTimes
from shared.model.blob import Blob
from shared.model.drift import DriftAction, DriftKind, DriftLine


@dataclass(slots=True)
class Findings:
    """What was found in a range; `end` is the last row, or None if the range ends with it.

    `missing` of the `expected` clips that should have a blob have lost it.
    """

    end: str | None
    compared: int
    lines: list[DriftLine] = field(default_factory=list)
    missing: int = 0
    expected: int = 0


class Listed(Protocol):
    """Blobs in the order of a listing; reading their names alone takes a fraction of the time."""

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def blobs(self) -> Sequence[Blob]: ...


class Stage(Protocol):
    """The comparison of one container; `needs_metadata` of its blobs."""

    container: str
    needs_metadata: bool

    def compare(
        self, page: Listed, after: str, upto: str | None, times: ComparisonTimes
    ) -> Findings:
        """Compares blobs with the rows in (after, upto], or with the first of them."""

    def bound(self, page: Listed, after: str) -> str:
        """The end of the range of rows that belongs to a page."""


def bound_of(page: Listed, after: str) -> str:
    """The end of the range, where rows have the names of blobs."""
    # Postgres cannot compare a NUL.
    return max(after, page.names[-1].partition("\0")[0]) if page.names else after


def within(page: Listed, after: str, upto: str | None) -> dict[str, Blob]:
    """The blobs of a page named (after, upto], by their names."""
    return {
        blob.name: blob
        for blob in page.blobs
        if blob.name > after and (upto is None or blob.name <= upto)
    }


def line_without_row(
    container: str,
    name: str,
    owner: tuple[UUID | None, UUID | None],
    verdict: tuple[DriftKind, str, DriftAction | None],
    by: datetime,
) -> DriftLine:
    """A line on a blob that no row expects; `owner` are the ids of video and clip in its name.

    `by` is when the action is done, if the verdict names one.
    """
    (video_id, clip_id), (kind, detail, action) = owner, verdict
    return DriftLine(
        kind=kind,
        container=container,
        blob=name,
        video_id=video_id,
        clip_id=clip_id,
        detail=detail,
        action=action,
        by=by if action is not None else None,
    )
