"""Repairs of deleted blobs that are still stored: finishes deletions, as the cleanup does."""

from clips.drift.repairs.outcome import REPAIRED, UNCHANGED, RepairOutcome, left
from clips.upkeep.deletion import Deletion
from shared.blob_names.containers import Containers
from shared.catalogue.drift.drift_queries import DriftRows, StoredFile
from shared.model.drift import DriftLine
from shared.storage.sdk.blobs import Blobs


class DeletedRepair:
    def __init__(
        self, blobs: Blobs, containers: Containers, rows: DriftRows, deletion: Deletion
    ) -> None:
        self._blobs = blobs
        self._containers = containers
        self._rows = rows
        self._deletion = deletion

    def finish(self, line: DriftLine) -> RepairOutcome:
        """Deletes what is left of a deleted clip or video."""
        if line.video_id is None:
            return UNCHANGED
        row = None if line.clip_id is None else self._rows.clip(line.clip_id)
        if row is not None:
            return self._finish_clip(row)
        (around,) = self._rows.surroundings([(line.blob, line.video_id, line.clip_id)])
        if around.deleted_at is not None and around.purge_at is None:
            return REPAIRED if self._deletion.finish_video(line.video_id) else UNCHANGED
        if not around.is_noted or around.has_row or line.blob is None:
            return UNCHANGED
        self._blobs.delete(line.container, line.blob)
        return REPAIRED

    def _finish_clip(self, row: StoredFile) -> RepairOutcome:
        if not row.deleted or row.clip_id is None:
            return UNCHANGED
        if row.purge_at is not None:
            return left("The clip is in the recycle bin. The cleanup moves its bytes there.")
        self._deletion.finish_clip(row.clip_id, row.video_id, row.name or None)
        return REPAIRED
