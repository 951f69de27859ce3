"""The stages of blobs of clips and of sources, beside their rows."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from clips.drift.comparison_times import ComparisonTimes
from clips.drift.rules import stored_rules
from clips.drift.stages.stage import Findings, Listed, bound_of, line_without_row, within
from clips.upkeep.blob_rules import is_left_alone, may_be_filled, should_have_blob
from shared import blob_names
from shared.blob_names.foreign import check_storable
from shared.catalogue.drift.drift_queries import DriftRows, StoredFile
from shared.catalogue.drift.surroundings_query import Surroundings
from shared.model.blob import Blob
from shared.model.drift import DriftAction, DriftLine
from shared.storage.sdk.blobs import Blobs


class StoredStage:
    """Blobs of clips, or of sources."""

    needs_metadata = True  # folder markers

    def __init__(
        self,
        container: str,
        rows: DriftRows,
        blobs: Blobs,
        *,
        of_sources: bool = False,
    ) -> None:
        self.container = container
        self._rows = rows
        self._blobs = blobs
        self._of_sources = of_sources
        self._find = rows.sources if of_sources else rows.clips
        self._find_named = rows.sources_named if of_sources else rows.clips_named

    def bound(self, page: Listed, after: str) -> str:
        return bound_of(page, after)

    def compare(
        self, page: Listed, after: str, upto: str | None, times: ComparisonTimes
    ) -> Findings:
        rows = self._find(after, upto, times.quiet_since)
        end = rows[-1].name if len(rows) == self._rows.at_a_time else None
        without_row = within(page, after, end or upto)
        found = Findings(end, len(rows))
        unequal: dict[str, Blob | None] = {}
        for name, etag, size, md5, is_stable in rows:
            blob = without_row.pop(name, None)
            if (
                blob is None
                or not is_stable
                or blob.etag != etag
                or blob.size != size
                or blob.archived
                or (md5 is not None and md5 != blob.content_md5)
            ):
                unequal[name] = blob
            else:
                found.expected += 1
        self._add_unequal(unequal, times, found)
        found.lines += self._without_row(without_row.values(), times)
        return found

    def _add_unequal(
        self, blobs: Mapping[str, Blob | None], times: ComparisonTimes, found: Findings
    ) -> None:
        for row in self._find_named(list(blobs)):
            blob = blobs[row.name]
            if blob is not None:
                found.lines += stored_rules.compare(self.container, blob, row, times)
            else:
                self._add_missing(row, times, found)
            found.expected += should_have_blob(row, times.quiet_since)

    def _add_missing(self, row: StoredFile, times: ComparisonTimes, found: Findings) -> None:
        stuck = stored_rules.never_stored(self.container, row, times)
        if stuck is not None:
            found.lines.append(stuck)
        lost = stored_rules.row_without_blob(self.container, row, times, is_held_back=False)
        if lost is None:
            return
        if row.clip_id is None:
            found.lines.append(lost)
        else:
            found.missing += 1  # a later stage lists them, when their number is known

    def _without_row(self, blobs: Iterable[Blob], times: ComparisonTimes) -> Iterable[DriftLine]:
        old = [blob for blob in blobs if not _is_ignored(blob, times)]
        of_videos = [self._owner_of(blob.name) for blob in old]
        named = [
            (None if check_storable(blob.name) else blob.name, *owner)
            for blob, owner in zip(old, of_videos, strict=True)
        ]
        around = self._rows.surroundings(named)
        for blob, (video_id, clip_id), known in zip(old, of_videos, around, strict=True):
            if not known.has_row:  # a row that came meanwhile
                yield self._line(blob, video_id, clip_id, known, times)

    def _line(
        self,
        blob: Blob,
        video_id: UUID | None,
        clip_id: UUID | None,
        known: Surroundings,
        times: ComparisonTimes,
    ) -> DriftLine:
        kind, detail, action = stored_rules.blob_without_row(
            known, times, has_clip_id=clip_id is not None
        )
        if problem := check_storable(blob.name):
            detail, action = f"The blob cannot become a clip: {problem}.", None
        elif action is DriftAction.PROCESS and self._of_sources:
            action = None  # no step of the cleanup lists this container
        verdict = (kind, detail, action)
        owner = (video_id, clip_id)
        return line_without_row(self.container, blob.name, owner, verdict, times.next_cleanup_at)

    def _owner_of(self, name: str) -> tuple[UUID | None, UUID | None]:
        if self._of_sources:
            return blob_names.video_id_of_source(name), None
        return blob_names.video_id_of(name), blob_names.clip_id_of(name)


class LostStage(StoredStage):
    """Clips that have lost their blob: after the first stage, which counted them."""

    needs_metadata = False
    is_held_back: bool | None = None

    def compare(
        self, page: Listed, after: str, upto: str | None, times: ComparisonTimes
    ) -> Findings:
        rows = self._find(after, upto, times.quiet_since)
        end = rows[-1].name if len(rows) == self._rows.at_a_time else None
        stored = set(page.names)
        found = Findings(end, len(rows))
        missing = [row.name for row in rows if row.name not in stored]
        for row in self._find_named(missing):
            line = stored_rules.row_without_blob(
                self.container, row, times, is_held_back=bool(self.is_held_back)
            )
            # If names have unusual characters, a listing may have another order than the rows.
            if line and (row.name.isascii() or not self._blobs.exists(self.container, row.name)):
                found.lines.append(line)
        return found


def _is_ignored(blob: Blob, times: ComparisonTimes) -> bool:
    """Whether a blob without a row gives no line: it is no clip, or too new."""
    return (
        blob.last_modified > times.quiet_since
        or is_left_alone(blob)
        or may_be_filled(blob, None, times.now)
    )
