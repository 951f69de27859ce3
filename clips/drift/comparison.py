"""Finds drift, part by part: a page of a listing beside the rows in its range.

A difference counts only if two comparisons, one after the other, find it: what an ingest or a
deletion changes meanwhile gives no line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from clips.drift.comparison_times import ComparisonTimes
from clips.drift.lines import as_json
from clips.drift.stages.bin_stage import BinStage
from clips.drift.stages.image_stage import ImageStage
from clips.drift.stages.stage import Findings, Listed, Stage
from clips.drift.stages.stored_stages import LostStage, StoredStage
from shared.blob_names.containers import Containers
from shared.catalogue.drift.drift_queries import DriftRows
from shared.catalogue.drift.drift_run_queries import DriftTask
from shared.model.blob import Blob
from shared.model.drift import DriftJson, DriftLine
from shared.storage.listed_page import ListedPage
from shared.storage.sdk.blobs import Blobs

CLIPS, LOST = "clips", "lost"
# In this order. The second one has nothing to do unless the first one missed blobs.
STAGES = (CLIPS, LOST, "images", "sources", "bin")
_SAMPLES = 20


@dataclass(frozen=True)
class _JoinedPages:
    """Several pages of a listing, read as one."""

    pages: Sequence[ListedPage]

    @cached_property
    def names(self) -> Sequence[str]:
        return [name for page in self.pages for name in page.names]

    @cached_property
    def blobs(self) -> Sequence[Blob]:
        return [blob for page in self.pages for blob in page.blobs]


class Comparison:
    """Compares for one step of a run; keeps the last page in memory."""

    def __init__(
        self,
        blobs: Blobs,
        containers: Containers,
        rows: DriftRows,
        is_bulk_loss: Callable[[int, int], bool],
    ) -> None:
        """`is_bulk_loss(missing, expected)`: whether reconciliation would mark none as lost."""
        self._blobs = blobs
        self._is_bulk_loss = is_bulk_loss
        self._lost = LostStage(containers.clips, rows, blobs)
        self._stages: Mapping[str, Stage] = {
            CLIPS: StoredStage(containers.clips, rows, blobs),
            LOST: self._lost,
            "images": ImageStage(containers.thumbnails, rows, rows.images, blobs),
            "sources": StoredStage(containers.videos, rows, blobs, of_sources=True),
            "bin": BinStage(containers.bin, rows),
        }
        self._listed: tuple[object, ListedPage] | None = None

    def part(self, task: DriftTask, times: ComparisonTimes) -> Sequence[DriftJson] | None:
        """Compares the next part, moves the task on, and returns its lines; None at the end."""
        if task.stage == LOST and not task.missing:
            _begin_next(task)
        if task.stage not in self._stages:
            return None
        if task.stage == LOST and self._lost.is_held_back is None:
            self._lost.is_held_back = self._is_bulk_loss(task.missing, task.looked_at)
        stage = self._stages[task.stage]
        page = self._page(stage, task.marker)
        upto = stage.bound(page, task.after) if page.marker else None
        found = stage.compare(page, task.after, upto, times)
        lines = found.lines
        if lines:
            lines = self._confirmed(stage, task, page, upto, found, times)
        _count(task, found, lines)
        if found.end is not None:
            task.after = found.end
        elif page.marker is not None:
            task.marker, task.after = page.marker, upto or task.after
        else:
            _begin_next(task)
        return [as_json(line) for line in lines]

    def _page(self, stage: Stage, marker: str | None) -> ListedPage:
        """The page, from memory if the part before it was on the same one."""
        key = (stage, marker)
        if self._listed is None or self._listed[0] != key:
            self._listed = (key, self._list(stage, marker))
        return self._listed[1]

    def _confirmed(
        self,
        stage: Stage,
        task: DriftTask,
        page: ListedPage,
        upto: str | None,
        found: Findings,
        times: ComparisonTimes,
    ) -> list[DriftLine]:
        """The lines that a second comparison of the same range finds too."""
        listed = self._listed_again(stage, task.marker, page)
        again = stage.compare(listed, task.after, found.end or upto, times)
        keys = {line.key for line in found.lines}
        return [line for line in again.lines if line.key in keys]

    def _listed_again(self, stage: Stage, marker: str | None, page: ListedPage) -> Listed:
        """The blobs in the range of a page as they are now, and maybe some after it."""
        pages: list[ListedPage] = []
        while True:
            listed = self._list(stage, marker)
            pages.append(listed)
            is_covered = page.marker is not None and page.names and listed.names
            if listed.marker is None or (is_covered and listed.names[-1] >= page.names[-1]):
                return _JoinedPages(pages)
            marker = listed.marker

    def _list(self, stage: Stage, marker: str | None) -> ListedPage:
        return self._blobs.page(stage.container, marker, metadata=stage.needs_metadata)


def _begin_next(task: DriftTask) -> None:
    following = STAGES.index(task.stage) + 1
    task.stage = STAGES[following] if following < len(STAGES) else "end"
    task.marker, task.after, task.compared = None, "", 0


def _count(task: DriftTask, found: Findings, lines: Sequence[DriftLine]) -> None:
    task.compared += found.compared
    if task.stage == CLIPS:
        task.missing += found.missing
        task.looked_at += found.expected
    concerned: dict[str, set[object]] = {}
    for line in lines:
        add_sample(task, line.kind, as_json(line))
        concerned.setdefault(line.kind, set()).add(line.clip_id or line.blob)
    for kind, clips in concerned.items():
        task.clips_by_kind[kind] = task.clips_by_kind.get(kind, 0) + len(clips)


def add_sample(task: DriftTask, name: str, line: DriftJson) -> None:
    """Counts a line, and keeps it if it is among the first of its kind."""
    task.counts[name] = task.counts.get(name, 0) + 1
    samples = task.samples.setdefault(name, [])
    if len(samples) < _SAMPLES:
        samples.append(line)
