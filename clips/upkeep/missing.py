"""Marks clips whose blob is gone as failed, unless so many are gone that storage is the cause.

An emptied container, a wrong prefix or a restore to an old day makes many clips look lost at once.
Then none is marked, until the blobs are back or an admin confirms the loss:
docs/architecture.md#cleanup.
"""

import logging
from enum import Enum, auto

from shared import telemetry
from shared.blob_names.containers import Containers
from shared.catalogue.upkeep.loss_queries import BulkLosses
from shared.catalogue.upkeep.upkeep_queries import Upkeep
from shared.storage.sdk.blobs import Blobs

_log = logging.getLogger(__name__)

# The guard holds if more clips than this are missing, and more than this share of the clips that
# should have a blob.
MOST_MISSING = 20
MOST_MISSING_SHARE = 0.2

LOSS_IN_BULK = "loss_in_bulk"
HELD = (
    "Too many blobs are missing at once, so no clip was marked as lost. Restore the blobs, or "
    "confirm the loss: POST /drift, then POST /drift/{id}/repair with "
    '{"kinds": ["row_without_blob"], "force": true}.'
)


class Guard(Enum):
    """Whether clips without their blob may be marked."""

    OPEN = auto()
    HELD = auto()


class MissingClips:
    def __init__(
        self, blobs: Blobs, containers: Containers, upkeep: Upkeep, losses: BulkLosses
    ) -> None:
        self._blobs = blobs
        self._container = containers.clips
        self._upkeep = upkeep
        self._losses = losses

    def judge(self, missing: int, expected: int) -> Guard:
        """Decides by how many of the clips have no blob; notes, logs and counts a loss in bulk.

        Once the guard holds, it holds until no more than MOST_MISSING are missing: while an
        operator restores blobs, the remaining ones do not count as lost.
        """
        standing = self._losses.current()
        if not _is_bulk(missing, expected, is_standing=standing is not None):
            if standing is not None and self._losses.clear():
                _log.info(
                    "The blobs are back: reconciliation marks clips without a blob as lost again"
                )
            return Guard.OPEN
        telemetry.LOSSES_HELD.add()
        if self._losses.note(missing, expected):
            _log.error("The blobs of %d of %d clips are missing. %s", missing, expected, HELD)
        return Guard.HELD

    def would_hold(self, missing: int, expected: int) -> bool:
        """What `judge` would decide; records nothing."""
        return _is_bulk(missing, expected, is_standing=self._losses.current() is not None)

    def confirm(self) -> None:
        """Lifts the guard: an admin has confirmed the loss, and the clips have been marked.

        If too many others are missing at the next reconciliation, the guard holds again.
        """
        if self._losses.clear():
            _log.warning(
                "The loss was confirmed: reconciliation marks clips without a blob as lost again"
            )

    def mark(self, blob_name: str, etag: str) -> bool:
        """Marks one clip; False if its blob exists after all, or its row has changed."""
        if self._blobs.exists(self._container, blob_name):
            return False
        if not self._upkeep.mark_missing(blob_name, etag):
            return False
        _log.warning("The blob of a clip does not exist: %s", blob_name)
        return True


def _is_bulk(missing: int, expected: int, *, is_standing: bool) -> bool:
    if missing <= MOST_MISSING:
        return False
    return is_standing or missing > MOST_MISSING_SHARE * expected
