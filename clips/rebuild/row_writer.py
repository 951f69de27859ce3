"""Writes a batch of restored rows, all in one transaction, and counts them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from clips.rebuild.decisions import Restored, RowValues
from clips.rebuild.report import Report
from shared import blob_names
from shared.catalogue.rebuild.rebuild_queries import Rebuilding
from shared.errors import Unavailable
from shared.model.sidecar import SidecarKey

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Batch:
    """What a batch of sidecars becomes, by key."""

    videos: dict[SidecarKey, RowValues] = field(default_factory=dict)
    sources: dict[SidecarKey, Restored] = field(default_factory=dict)
    clips: dict[SidecarKey, Restored] = field(default_factory=dict)


class RowWriter:
    """`planned` are hashes of the names of blobs whose rows a dry run would have restored."""

    def __init__(self, catalogue: Rebuilding, report: Report) -> None:
        self._catalogue = catalogue
        self._report = report
        self.planned: set[int] = set()

    def write(self, batch: Batch, known: Mapping[SidecarKey, int]) -> None:
        """Writes and counts the rows; `known` are the revisions of those that existed."""
        self._drop_taken_blobs(batch)
        if self._report.dry_run:
            for restored in (*batch.clips.values(), *batch.sources.values()):
                self.planned.add(hash(restored.row["blob_name"]))
        elif not self._write_together(batch):
            self._write_one_by_one(batch)
        for key in (*batch.videos, *batch.sources, *batch.clips):
            counts = self._report.updated if key in known else self._report.restored
            counts[f"{key.kind}s"] += 1
        self._report.clip_states.update(str(restored.state) for restored in batch.clips.values())

    def _drop_taken_blobs(self, batch: Batch) -> None:
        """Leaves out clips whose blob now belongs to another clip: a blob belongs to one clip."""
        names = {key: r.row["blob_name"] for key, r in batch.clips.items() if r.row["blob_name"]}
        holders = dict(self._catalogue.holders(names.values()))
        for key, name in names.items():
            holder = holders.setdefault(name, key.clip_id or key.video_id)
            if holder != key.clip_id:
                del batch.clips[key]
                detail = f"Its blob is that of clip {holder}."
                self._report.leave_out(blob_names.sidecar(key), "blob_taken", detail)

    def _write_together(self, batch: Batch) -> bool:
        """False if the database refuses one of the rows."""
        clips = batch.clips.values()
        try:
            self._catalogue.restore(
                list(batch.videos.values()),
                [restored.row for restored in batch.sources.values()],
                [restored.row for restored in clips],
                [restored.cut for restored in clips if restored.cut is not None],
            )
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - the rows follow one by one, and those refused are named
            _log.debug("A batch is restored row by row", exc_info=True)
            return False
        return True

    def _write_one_by_one(self, batch: Batch) -> None:
        """Leaves out the rows that the database refuses."""
        restore = self._catalogue.restore
        for key, row in list(batch.videos.items()):
            if not self._try(key, partial(restore, [row], [], [], [])):
                del batch.videos[key]
        for key, source in list(batch.sources.items()):
            if not self._try(key, partial(restore, [], [source.row], [], [])):
                del batch.sources[key]
        for key, clip in list(batch.clips.items()):
            cuts = [clip.cut] if clip.cut is not None else []
            if not self._try(key, partial(restore, [], [], [clip.row], cuts)):
                del batch.clips[key]

    def _try(self, key: SidecarKey, write: Callable[[], None]) -> bool:
        try:
            write()
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - reported; one row must not stop the others
            detail = f"The database refuses the row: {type(error).__name__}."
            self._report.leave_out(blob_names.sidecar(key), "refused", detail)
            return False
        return True
