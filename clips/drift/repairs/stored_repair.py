"""Repairs of blobs of clips and sources, and of their rows. Storage is the authority."""

from collections.abc import Callable
from uuid import UUID

from clips.cutting.source_ingest import SourceIngest
from clips.drift.repairs.outcome import REPAIRED, UNCHANGED, RepairOutcome, left, repaired_if
from clips.ingest.ingest import Ingest
from clips.upkeep.missing import MissingClips
from shared.blob_names.containers import Containers
from shared.blob_names.foreign import check_storable
from shared.catalogue.drift.drift_queries import DriftRows, StoredFile
from shared.catalogue.drift.drift_repair_queries import DriftRepairs
from shared.catalogue.upkeep.upkeep_queries import Upkeep
from shared.errors import BlobMissing
from shared.model.blob import Blob
from shared.model.drift import DriftKind, DriftLine
from shared.storage.sdk.blobs import Blobs

_IN_BIN = left("Clips in the recycle bin are not repaired. Restore or purge the clip.")


class StoredRepair:
    def __init__(
        self,
        blobs: Blobs,
        containers: Containers,
        rows: DriftRows,
        repairs: DriftRepairs,
        upkeep: Upkeep,
        missing: MissingClips,
        ingest: Ingest,
        sources: SourceIngest,
        cut: Callable[[UUID], object],
    ) -> None:
        """`cut` sends the message by which a clip is cut."""
        self._blobs = blobs
        self._containers = containers
        self._rows = rows
        self._repairs = repairs
        self._upkeep = upkeep
        self._missing = missing
        self._ingest = ingest
        self._sources = sources
        self._cut = cut

    def process_without_row(self, line: DriftLine) -> RepairOutcome:
        """A blob without a row under a known video becomes a clip, or the video's source."""
        name = line.blob or ""
        if line.container == self._containers.bin:
            return _IN_BIN
        if check_storable(name):
            return left("Its name cannot be stored in the catalogue.")
        is_source = line.container == self._containers.videos
        owner = line.video_id if is_source else line.clip_id
        (around,) = self._rows.surroundings([(name, line.video_id, owner)])
        if around.has_row:
            return UNCHANGED
        if not around.video_is_known or around.deleted_at is not None:
            return left("Its video is deleted.")
        if is_source and around.clip_exists:
            return left("The video has another source.")
        self._process(line.container, name)
        (after,) = self._rows.surroundings([(name, line.video_id, owner)])
        return REPAIRED if after.has_row else left("The service cannot process such a file.")

    def process(self, line: DriftLine) -> RepairOutcome:
        """The stored version of a clip or source is processed."""
        if line.container == self._containers.bin:
            return _IN_BIN
        row = self._row(line)
        if row is None or row.deleted:
            return UNCHANGED
        blob = self._blob(line)
        if blob is None:
            return self._cut_again(row)
        if line.kind is DriftKind.ETAG_DIFFERS and row.etag == blob.etag:
            return UNCHANGED
        self._process(line.container, blob.name)
        after = self._row(line)
        is_done = after is None or (after.status != "processing" and after.etag == blob.etag)
        return REPAIRED if is_done else left("The file is still incomplete, or was overwritten.")

    def mark_missing(self, line: DriftLine) -> RepairOutcome:
        """A clip or source is marked as failed because its blob is gone."""
        if line.container == self._containers.bin:
            return left("Its bytes are lost; the row stays until it is purged.")
        row = self._row(line)
        if row is None or row.etag is None or self._blob(line) is not None:
            return UNCHANGED
        if row.clip_id is None:
            return repaired_if(self._repairs.mark_source_missing(row))
        return repaired_if(self._missing.mark(row.name, row.etag))

    def confirm_losses(self) -> None:
        """An admin has confirmed that missing blobs are lost, and their clips are marked."""
        self._missing.confirm()

    def note_size(self, line: DriftLine) -> RepairOutcome:
        row, blob = self._same_version(line)
        if row is None or blob is None or row.file_size == blob.size:
            return UNCHANGED
        return repaired_if(self._repairs.note_size(row, blob.size))

    def note_md5(self, line: DriftLine) -> RepairOutcome:
        row, blob = self._same_version(line)
        if row is None or blob is None or blob.content_md5 in {None, row.content_md5}:
            return UNCHANGED
        return repaired_if(self._repairs.note_md5(row, blob.content_md5 or ""))

    def note_tier(self, line: DriftLine) -> RepairOutcome:
        row, blob = self._row(line), self._blob(line)
        if row is None or blob is None or row.archived is blob.archived:
            return UNCHANGED
        self._upkeep.note_archived([row.name], archived=blob.archived)
        return REPAIRED

    def _cut_again(self, row: StoredFile) -> RepairOutcome:
        if row.etag is not None or row.clip_id is None:
            return left("Its blob is gone.")
        if not row.is_being_cut:
            return left("The source of the cut no longer exists.")
        self._cut(row.clip_id)
        return RepairOutcome("repaired", "Its cut was sent to the queue again.")

    def _same_version(self, line: DriftLine) -> tuple[StoredFile | None, Blob | None]:
        """The row and the blob if they are of the same version; None for blobs in the bin."""
        row, blob = self._row(line), self._blob(line)
        if row is None or blob is None or line.container == self._containers.bin:
            return None, None
        return (row, blob) if row.etag == blob.etag else (None, None)

    def _process(self, container: str, name: str) -> None:
        if container == self._containers.videos:
            self._sources.landed(name)
        else:
            self._ingest.landed(name)

    def _row(self, line: DriftLine) -> StoredFile | None:
        if line.clip_id is not None:
            return self._rows.clip(line.clip_id)
        return self._rows.source(line.blob or "")

    def _blob(self, line: DriftLine) -> Blob | None:
        try:
            return self._blobs.get(line.container, line.blob or "")
        except BlobMissing:
            return None
