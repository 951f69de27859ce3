"""Why a clip failed, where the file is not at fault; and when a verdict about a file is final.

The failures of files themselves are in `shared/media/failures.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a clip failed: a stable code and a sentence for its owner."""

    code: str
    detail: str


# How often the host delivers a message: extensions.blobs.poisonBlobThreshold in host.json.
MAX_DELIVERIES = 5

# Reconciliation adds as many attempts again. A version that ended every one of them by crashing
# the process is not tried once more.
MAX_ATTEMPTS = 2 * MAX_DELIVERIES

GAVE_UP = Failure(
    "processing_failed",
    f"The file could not be processed in {MAX_DELIVERIES} attempts. "
    "That is a fault of the service or an outage, not of the file. It is tried again for a while.",
)
MISSING = Failure("blob_missing", "The file is no longer in storage. Upload it again.")
ARCHIVED = Failure(
    "blob_archived",
    "The file is in the archive tier, where it cannot be read. "
    "It is processed when it has been rehydrated.",
)
# Codes of failures that say nothing about the file: a later run may well succeed.
PASSING_FAILURES = (GAVE_UP.code, MISSING.code, ARCHIVED.code)


def is_final(status: str, failure_code: str | None) -> bool:
    """Whether a version of a file has its final verdict, by the status of its clip."""
    return status == "ready" or (status == "failed" and failure_code not in PASSING_FAILURES)
