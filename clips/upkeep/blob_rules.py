"""The rules by which a stored blob and its row are compared. Pure.

Reconciliation acts by these rules; the drift report uses them to say what reconciliation will do.
"""

from datetime import datetime, timedelta

from clips.ingest import unfinished
from shared.blob_names.foreign import is_companion, is_folder_stub
from shared.catalogue.upkeep.upkeep_queries import KnownBlob
from shared.model.blob import Blob
from shared.model.clip import UPLOAD_LIFE
from shared.model.failure import ARCHIVED, MAX_ATTEMPTS

# Blobs and rows that were touched a moment ago are left alone.
QUIET = timedelta(minutes=1)


def is_left_alone(blob: Blob) -> bool:
    """Whether a blob without a row is not a film: a companion file, or a folder marker."""
    return is_companion(blob.name) or is_folder_stub(blob)


def may_be_filled(blob: Blob, clip: KnownBlob | None, now: datetime) -> bool:
    """Whether a blob may still get its first bytes; the ingest decides what happens then."""
    link_ends_at = clip.touched_at + UPLOAD_LIFE if clip is not None and not clip.deleted else None
    return unfinished.may_be_filled(blob, now, link_ends_at)


def needs_work(blob: Blob, clip: KnownBlob, quiet_since: datetime) -> bool:
    """Whether the stored version of a clip is to be processed."""
    if clip.deleted or clip.touched_at >= quiet_since:
        return False
    if clip.etag != blob.etag:
        return True
    if blob.archived and clip.failure_code == ARCHIVED.code:
        return False  # known already; it is processed when it is readable again
    # A clip in `processing` without attempts left is tried once more, which marks it as failed.
    return not clip.is_final and (clip.attempts < MAX_ATTEMPTS or clip.status == "processing")


def should_have_blob(clip: KnownBlob, quiet_since: datetime) -> bool:
    """Whether a clip should have a blob: if the listing shows none, the blob is lost."""
    is_stored = clip.status in {"ready", "processing"} and not clip.deleted
    return is_stored and clip.etag is not None and clip.touched_at < quiet_since
