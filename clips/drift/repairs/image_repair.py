"""Repairs of images: makes them again from the clip, or deletes those without a clip."""

from clips.cutting.source_ingest import SourceIngest
from clips.drift.repairs.outcome import REPAIRED, UNCHANGED, RepairOutcome, left, repaired_if
from clips.drift.rules.image_rules import expected_images
from clips.ingest.ingest import Ingest
from shared.catalogue.drift.drift_image_queries import ImagesRow
from shared.catalogue.drift.drift_queries import DriftRows
from shared.catalogue.drift.drift_repair_queries import DriftRepairs
from shared.model.drift import DriftLine
from shared.storage.sdk.blobs import Blobs


class ImageRepair:
    def __init__(
        self,
        blobs: Blobs,
        rows: DriftRows,
        repairs: DriftRepairs,
        ingest: Ingest,
        sources: SourceIngest,
    ) -> None:
        self._blobs = blobs
        self._rows = rows
        self._repairs = repairs
        self._ingest = ingest
        self._sources = sources

    def make_again(self, line: DriftLine) -> RepairOutcome:
        """Has the ingest process the clip or source again, which makes its images."""
        row = self._images_row(line)
        if row is None or row.status != "ready" or row.hidden_at is not None:
            return UNCHANGED
        missing = self._missing(line.container, row)
        if not missing:
            return UNCHANGED
        if missing == {row.rendition_name}:
            return repaired_if(self._repairs.forget_rendition(row.clip_id, row.etag))
        if missing == {row.own_thumbnail}:
            return left("The image came from the old service and cannot be made again.")
        if row.archived or row.blob_name is None:
            return left("The clip cannot be read from the archive tier.")
        return self._process(row)

    def delete(self, line: DriftLine) -> RepairOutcome:
        """Deletes an image of a clip that does not exist, under a known video."""
        if line.clip_id is None or line.blob is None:
            return left("The blob does not have the name of an image of a clip.")
        (around,) = self._rows.surroundings([(None, line.video_id, line.clip_id)])
        if around.clip_exists:
            return UNCHANGED
        if not around.video_is_known:
            return left("The video is no longer in the catalogue.")
        return repaired_if(self._blobs.delete(line.container, line.blob))

    def _process(self, row: ImagesRow) -> RepairOutcome:
        name = row.blob_name or ""
        if row.is_source:
            file = self._rows.source(name)
            if file is None or not self._repairs.reprocess(file):
                return UNCHANGED
            self._sources.landed(name)
            return REPAIRED
        file = self._rows.clip(row.clip_id)
        if file is None or not self._repairs.reprocess(file):
            return UNCHANGED
        self._ingest.landed(name)
        return REPAIRED

    def _images_row(self, line: DriftLine) -> ImagesRow | None:
        video_id, clip_id = line.video_id, line.clip_id or line.video_id
        if video_id is None or clip_id is None:
            return None
        return next(iter(self._rows.images.named([f"{video_id}/{clip_id}"])), None)

    def _missing(self, container: str, row: ImagesRow) -> set[str | None]:
        pages = self._blobs.pages(container, f"{row.video_id}/{row.clip_id}")
        stored = {blob.name for page in pages for blob in page}
        return {name for name in expected_images(row) if name not in stored}
