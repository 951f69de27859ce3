"""How a blob of a clip or source differs from its row, and what the service does about it. Pure.

Reconciliation acts by the same rules: see `clips/upkeep/blob_rules.py`.
"""

from collections.abc import Iterator

from clips.drift.comparison_times import ComparisonTimes
from clips.upkeep.blob_rules import may_be_filled, needs_work, should_have_blob
from shared.catalogue.drift.drift_queries import StoredFile
from shared.catalogue.drift.surroundings_query import Surroundings
from shared.model.blob import Blob
from shared.model.drift import DriftAction, DriftKind, DriftLine


def compare(
    container: str, blob: Blob, row: StoredFile, times: ComparisonTimes
) -> Iterator[DriftLine]:
    """The differences between a stored blob and its row."""
    if _is_equal(blob, row):
        return
    if row.deleted:
        line = _hidden_but_present(container, blob, row, times)
        if line is not None:
            yield line
        return
    if row.bin_etag is not None:
        return  # being restored: the bytes are compared in the bin
    yield from _visible(container, blob, row, times)


def row_without_blob(
    container: str, row: StoredFile, times: ComparisonTimes, *, is_held_back: bool
) -> DriftLine | None:
    """A row whose blob is in no listing, if it should be in one.

    `is_held_back`: so many blobs are missing that reconciliation marks no clip.
    """
    if row.bin_etag is not None or not should_have_blob(row, times.quiet_since):
        return None
    detail = f"The catalogue has the version {row.etag}; storage has no such blob."
    if row.clip_id is None:
        return line_of(DriftKind.ROW_WITHOUT_BLOB, container, row, detail)
    if is_held_back:
        detail += " So many are missing that none is marked before an admin confirms it."
        return line_of(DriftKind.ROW_WITHOUT_BLOB, container, row, detail)
    action = DriftAction.MARK_MISSING
    return line_of(DriftKind.ROW_WITHOUT_BLOB, container, row, detail, action, times)


def never_stored(container: str, row: StoredFile, times: ComparisonTimes) -> DriftLine | None:
    """A row in processing that never had a blob: its cut was interrupted."""
    if row.deleted or row.status != "processing" or row.etag is not None:
        return None
    if row.touched_at >= times.stuck_since or row.bin_etag is not None:
        return None
    detail = f"In processing since {row.touched_at.isoformat()}, and not stored yet."
    action = DriftAction.CUT if row.is_being_cut else None
    return line_of(DriftKind.STUCK_PROCESSING, container, row, detail, action, times)


def blob_without_row(
    around: Surroundings, times: ComparisonTimes, *, has_clip_id: bool
) -> tuple[DriftKind, str, DriftAction | None]:
    """Kind, detail and action of a blob in the clips container that no row describes.

    `has_clip_id`: its name is `{video_id}/{clip_id}{ext}`. Under a known video it becomes a clip,
    unless its clip is deleted, as the ingest decides (`shared/catalogue/ingest/admission.py`).
    """
    if not around.video_is_known:
        return DriftKind.BLOB_OF_UNKNOWN_VIDEO, "The video is not in the catalogue.", None
    is_swept = around.sweep_after is not None and around.sweep_after <= times.next_cleanup_at
    if around.is_noted and (has_clip_id or is_swept):
        return DriftKind.DELETED_BUT_PRESENT, "Its clip is deleted.", DriftAction.DELETE
    if around.deleted_at is not None and around.purge_at is None:
        return DriftKind.DELETED_BUT_PRESENT, "Its video is deleted.", DriftAction.DELETE
    if around.deleted_at is not None:
        return DriftKind.BLOB_WITHOUT_ROW, "Its video is in the recycle bin.", None
    return DriftKind.BLOB_WITHOUT_ROW, "The blob was never processed.", DriftAction.PROCESS


def _is_equal(blob: Blob, row: StoredFile) -> bool:
    """The usual case, decided at once."""
    return (
        row.status == "ready"
        and row.etag == blob.etag
        and row.file_size == blob.size
        and row.archived is blob.archived
        and not row.deleted
        and (row.content_md5 == blob.content_md5 or row.content_md5 is None)
        and row.bin_etag is None
    )


def _visible(
    container: str, blob: Blob, row: StoredFile, times: ComparisonTimes
) -> Iterator[DriftLine]:
    is_clip = row.clip_id is not None
    if is_clip and row.archived is not blob.archived:
        detail = f"Its tier is {blob.access_tier}; the catalogue has it as " + (
            "archived." if row.archived else "not archived."
        )
        action = DriftAction.NOTE_TIER
        yield line_of(DriftKind.TIER_DIFFERS, container, row, detail, action, times)
    if blob.last_modified > times.quiet_since or row.touched_at >= times.quiet_since:
        return
    if may_be_filled(blob, row, times.now):
        return
    processed = DriftAction.PROCESS if _is_processed(blob, row, times) else None
    if row.etag is None:
        detail = "The file was uploaded, but never processed."
        yield line_of(DriftKind.STUCK_PROCESSING, container, row, detail, processed, times)
    elif row.etag != blob.etag:
        detail = f"Storage has the version {blob.etag}, the catalogue {row.etag}."
        yield line_of(DriftKind.ETAG_DIFFERS, container, row, detail, processed, times)
    else:
        yield from _same_version(container, blob, row, times)


def _same_version(
    container: str, blob: Blob, row: StoredFile, times: ComparisonTimes
) -> Iterator[DriftLine]:
    if row.file_size is not None and row.file_size != blob.size:
        detail = f"Storage has {blob.size} bytes, the catalogue {row.file_size}."
        yield line_of(DriftKind.SIZE_DIFFERS, container, row, detail)
    if None not in {row.content_md5, blob.content_md5} and row.content_md5 != blob.content_md5:
        detail = f"Storage has the MD5 {blob.content_md5}, the catalogue {row.content_md5}."
        yield line_of(DriftKind.MD5_DIFFERS, container, row, detail)
    if row.status == "processing" and row.touched_at < times.stuck_since:
        detail = f"In processing since {row.touched_at.isoformat()}."
        action = DriftAction.PROCESS if _is_processed(blob, row, times) else None
        yield line_of(DriftKind.STUCK_PROCESSING, container, row, detail, action, times)


def _is_processed(blob: Blob, row: StoredFile, times: ComparisonTimes) -> bool:
    """Whether the cleanup processes it: clips that differ, and sources that are stuck."""
    if row.clip_id is not None:
        return needs_work(blob, row, times.quiet_since)
    is_unfinished = row.status in {"awaiting_upload", "processing"}
    return is_unfinished and row.touched_at < times.stuck_since


def _hidden_but_present(
    container: str, blob: Blob, row: StoredFile, times: ComparisonTimes
) -> DriftLine | None:
    if row.hidden_at is None or row.hidden_at >= times.quiet_since:
        return None
    if row.purge_at is None:
        detail = "The clip is deleted permanently, but its blob is still stored."
        action = DriftAction.DELETE
    elif blob.archived:
        return None  # no link can read it, so its blob stays in place while the clip is in the bin
    else:
        detail = "The clip is in the recycle bin, but its blob is still in its original container."
        action = DriftAction.MOVE_TO_BIN
    return line_of(DriftKind.DELETED_BUT_PRESENT, container, row, detail, action, times)


def line_of(
    kind: DriftKind,
    container: str,
    row: StoredFile,
    detail: str,
    action: DriftAction | None = None,
    times: ComparisonTimes | None = None,
) -> DriftLine:
    """A line on the blob of a row; `by` is set where the service acts on its own."""
    return DriftLine(
        kind=kind,
        container=container,
        blob=row.name,
        video_id=row.video_id,
        clip_id=row.clip_id,
        detail=detail,
        action=action,
        by=times.next_cleanup_at if action is not None and times is not None else None,
    )
