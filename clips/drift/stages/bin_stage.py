"""The stage of the bin: bytes of deleted clips and sources, beside their rows."""

from collections.abc import Iterable

from clips.drift.comparison_times import ComparisonTimes
from clips.drift.rules import bin_rules
from clips.drift.stages.stage import Findings, Listed, bound_of, line_without_row, within
from shared import blob_names
from shared.blob_names.foreign import check_storable
from shared.catalogue.drift.drift_queries import DriftRows
from shared.model.blob import Blob
from shared.model.drift import DriftLine


class BinStage:
    """Bytes of deleted clips and sources in the bin."""

    needs_metadata = False

    def __init__(self, container: str, rows: DriftRows) -> None:
        self.container = container
        self._rows = rows

    def bound(self, page: Listed, after: str) -> str:
        return bound_of(page, after)

    def compare(
        self, page: Listed, after: str, upto: str | None, times: ComparisonTimes
    ) -> Findings:
        rows = self._rows.in_bin(after, upto)
        end = rows[-1].name if len(rows) == self._rows.at_a_time else None
        without_row = within(page, after, end or upto)
        found = Findings(end, 0)
        for row in rows:
            blob = without_row.pop(row.name, None)
            if blob is not None:
                found.lines += bin_rules.compare(self.container, blob, row, times)
            elif line := bin_rules.row_without_blob(self.container, row):
                found.lines.append(line)
        found.lines += self._without_row(without_row.values(), times)
        return found

    def _without_row(self, blobs: Iterable[Blob], times: ComparisonTimes) -> Iterable[DriftLine]:
        old = [blob for blob in blobs if blob.last_modified <= times.quiet_since]
        owners = [
            (
                blob_names.video_id_of(blob.name) or blob_names.video_id_of_source(blob.name),
                # Of a clip, or of an image of it.
                blob_names.clip_id_of(blob.name) or blob_names.owner_of_image(blob.name)[1]
                if "/" in blob.name
                else None,
            )
            for blob in old
        ]
        around = self._rows.surroundings(
            [
                (None if check_storable(blob.name) else blob.name, *owner)
                for blob, owner in zip(old, owners, strict=True)
            ]
        )
        for blob, owner, known in zip(old, owners, around, strict=True):
            verdict = bin_rules.blob_without_row(known, times)
            if verdict is not None:
                yield line_without_row(
                    self.container, blob.name, owner, verdict, times.next_cleanup_at
                )
