"""Metrics and the log line of one run of the ingest.

The text of the line is for readers; its fields hold the same values for queries.
"""

import logging
import time
from datetime import datetime

from shared import telemetry
from shared.catalogue.ingest.claims import Claim, Standing
from shared.model.blob import Blob
from shared.model.failure import Failure
from shared.storage.blob_reader import BlobReader

_log = logging.getLogger(__name__)


class IngestRun:
    """One run for one claimed version of a blob; its end is recorded once."""

    def __init__(self, claim: Claim, blob: Blob, reader: BlobReader, now: datetime) -> None:
        self.claim = claim
        self.reader = reader
        self._size = blob.size
        self._started = time.monotonic()
        # The account's clock may be ahead of this one.
        waited = max(0.0, (now - blob.last_modified).total_seconds())
        telemetry.INGEST_WAIT.record(waited)

    def record_ready(self, duration: float | None) -> None:
        """The clip was published; `duration` is the length of the film in seconds."""
        _log.info(
            "Clip %s is ready: %d bytes, %s s",
            self.claim.clip_id,
            self._size,
            duration,
            extra=self._ended("ready") | ({} if duration is None else {"clip_seconds": duration}),
        )

    def record_failure(self, failure: Failure) -> None:
        """The clip was marked as failed: the file is at fault, or in the archive."""
        _log.info(
            "Clip %s failed: %s, %d bytes",
            self.claim.clip_id,
            failure.code,
            self._size,
            extra=self._ended("failed", failure.code) | {"failure_code": failure.code},
        )

    def record_incomplete(self, code: str) -> None:
        """The file cannot be played yet; its writer may still append to it."""
        _log.info(
            "Clip %s is not complete yet: %s, %d bytes",
            self.claim.clip_id,
            code,
            self._size,
            extra=self._ended("incomplete", code),
        )

    def record_superseded(self, why: Standing) -> None:
        """The claim is no longer valid: nothing was published."""
        _log.info(
            "Clip %s was not published: %s",
            self.claim.clip_id,
            why.value,
            extra=self._ended("void"),
        )

    def _ended(self, outcome: str, code: str = "") -> dict[str, object]:
        seconds = time.monotonic() - self._started
        telemetry.CLIPS.add(outcome=outcome, code=code)
        telemetry.INGEST_SECONDS.record(seconds, outcome=outcome)
        telemetry.INGEST_READ.record(self.reader.bytes_read, outcome=outcome)
        return {
            "clip_id": str(self.claim.clip_id),
            "outcome": outcome,
            "size_bytes": self._size,
            "read_bytes": self.reader.bytes_read,
            "ingest_seconds": round(seconds, 3),
        }


def record_giving_up(failure: Failure) -> None:
    """Counts a clip that was given up because every run was interrupted."""
    telemetry.CLIPS.add(outcome="failed", code=failure.code)
