"""What is told of one run of the ingest: its numbers, and one line in the log when it ends.

The line is for people; what it says stands beside it as fields, for whoever searches.
"""

import logging
import time
from datetime import datetime

from shared import telemetry
from shared.catalogue import Claim
from shared.model import Blob, Failure
from shared.storage import BlobReader

_log = logging.getLogger(__name__)


class IngestRun:
    """A run for one claimed version of a blob, from its claim to its end."""

    def __init__(self, claim: Claim, blob: Blob, reader: BlobReader, now: datetime) -> None:
        self.claim = claim
        self.reader = reader
        self._size = blob.size
        self._started = time.monotonic()
        # The account's clock may be ahead of ours.
        waited = max(0.0, (now - blob.last_modified).total_seconds())
        telemetry.INGEST_WAIT.record(waited)

    def is_ready(self, duration: float | None) -> None:
        """The clip was published; `duration` is that of its film in seconds."""
        _log.info(
            "Clip %s is ready: %d bytes, %s s",
            self.claim.clip_id,
            self._size,
            duration,
            extra=self._ended("ready") | ({} if duration is None else {"clip_seconds": duration}),
        )

    def has_failed(self, failure: Failure) -> None:
        _log.info(
            "Clip %s failed: %s, %d bytes",
            self.claim.clip_id,
            failure.code,
            self._size,
            extra=self._ended("failed", failure.code) | {"failure_code": failure.code},
        )

    def is_void(self) -> None:
        """The claim no longer stands: nothing was published."""
        _log.info(
            "Clip %s was deleted or replaced meanwhile",
            self.claim.clip_id,
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


def gave_up(failure: Failure) -> None:
    """A clip was given up by the service, without a run that ended."""
    telemetry.CLIPS.add(outcome="failed", code=failure.code)
