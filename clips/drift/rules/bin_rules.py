"""How the bytes of deleted clips and sources in the bin differ from their rows. Pure."""

from collections.abc import Iterator

from clips.drift.comparison_times import ComparisonTimes
from clips.drift.rules.stored_rules import line_of
from shared.catalogue.drift.drift_queries import StoredFile
from shared.catalogue.drift.surroundings_query import Surroundings
from shared.model.blob import Blob
from shared.model.drift import DriftAction, DriftKind, DriftLine


def compare(
    container: str, blob: Blob, row: StoredFile, times: ComparisonTimes
) -> Iterator[DriftLine]:
    """The differences between bytes in the bin and the row that they belong to."""
    if row.bin_etag != blob.etag:
        detail = f"The bin has the version {blob.etag}, the catalogue {row.bin_etag}."
        yield line_of(DriftKind.ETAG_DIFFERS, container, row, detail)
    elif row.file_size is not None and row.file_size != blob.size:
        detail = f"The bin has {blob.size} bytes, the catalogue {row.file_size}."
        yield line_of(DriftKind.SIZE_DIFFERS, container, row, detail)
    if row.deleted and (row.purge_at is None or row.purge_at < times.quiet_since):
        detail = "The clip is deleted permanently, but its bytes are still in the bin."
        action = DriftAction.DELETE
        yield line_of(DriftKind.DELETED_BUT_PRESENT, container, row, detail, action, times)


def row_without_blob(container: str, row: StoredFile) -> DriftLine | None:
    """A row whose bytes should be in the bin, but are not."""
    if row.deleted and row.purge_at is None:
        return None  # its bytes are deleted before its row
    detail = "Its bytes are not in the bin: it cannot be restored."
    return line_of(DriftKind.ROW_WITHOUT_BLOB, container, row, detail)


def blob_without_row(
    around: Surroundings, times: ComparisonTimes
) -> tuple[DriftKind, str, DriftAction | None] | None:
    """Kind, detail and action of a blob in the bin that no row expects there.

    None while it is being moved, since the row is changed last, and for an image that was moved
    there with its clip.
    """
    if around.has_visible_row:
        return DriftKind.BLOB_WITHOUT_ROW, "Its clip is not in the bin.", None
    if around.has_row or around.clip_exists:
        return None
    if not around.video_is_known and not around.is_noted:
        return DriftKind.BLOB_OF_UNKNOWN_VIDEO, "The video is not in the catalogue.", None
    if around.is_noted:
        is_swept = around.sweep_after is not None and around.sweep_after <= times.next_cleanup_at
        action = DriftAction.DELETE if is_swept else None
        return DriftKind.DELETED_BUT_PRESENT, "Its clip is deleted permanently.", action
    return DriftKind.BLOB_WITHOUT_ROW, "The blob belongs to no deleted clip.", None
