"""Repairs what a report lists, line by line, where there is a single right answer.

Each line is checked again first: what has changed since the report is left alone. Every repair can
run twice. No blob is ever deleted under a video that the catalogue does not know.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from clips.drift.comparison import add_sample
from clips.drift.lines import RepairedLine, decode, repaired_as_json
from clips.drift.repairs.deleted_repair import DeletedRepair
from clips.drift.repairs.image_repair import ImageRepair
from clips.drift.repairs.outcome import RepairOutcome, failed, left
from clips.drift.repairs.stored_repair import StoredRepair
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.drift.drift_run_queries import DriftTask
from shared.errors import CliplinkError, Unavailable
from shared.model.drift import DriftJson, DriftKind, DriftLine
from shared.storage.sdk.blobs import Blobs

_log = logging.getLogger(__name__)

REPAIR = "repair"
# Bytes of the report that are read at a time; a line has a few hundred.
_PIECE = 256 * 1024
# A part is saved after so many repairs, or seconds.
_MOST_REPAIRS = 100
_PART_SECONDS = 10.0
# After so many outages in a row the repair stops; a single outage may concern one line only.
_OUTAGES_IN_A_ROW = 5


class Repair:
    def __init__(
        self,
        blobs: Blobs,
        containers: Containers,
        stored: StoredRepair,
        images: ImageRepair,
        deleted: DeletedRepair,
    ) -> None:
        self._blobs = blobs
        self._container = containers.temp
        self._confirm_losses = stored.confirm_losses
        self._repairs: Mapping[DriftKind, Callable[[DriftLine], RepairOutcome]] = {
            DriftKind.BLOB_WITHOUT_ROW: stored.process_without_row,
            DriftKind.BLOB_OF_UNKNOWN_VIDEO: _leave_unknown,
            DriftKind.ROW_WITHOUT_BLOB: stored.mark_missing,
            DriftKind.ETAG_DIFFERS: stored.process,
            DriftKind.SIZE_DIFFERS: stored.note_size,
            DriftKind.MD5_DIFFERS: stored.note_md5,
            DriftKind.TIER_DIFFERS: stored.note_tier,
            DriftKind.IMAGE_MISSING: images.make_again,
            DriftKind.IMAGE_WITHOUT_CLIP: images.delete,
            DriftKind.STUCK_PROCESSING: stored.process,
            DriftKind.DELETED_BUT_PRESENT: deleted.finish,
        }

    def part(self, task: DriftTask, renew: Callable[[], None]) -> Sequence[DriftJson] | None:
        """Repairs the next lines, moves the task on, and returns the results; None at the end.

        `renew` is called before each repair, and may raise to end the work.
        """
        assert task.repair_of is not None  # noqa: S101 - the caller asks only for repairs
        offset = int(task.after or 0)
        report = self._blobs.get(self._container, blob_names.drift_lines(task.repair_of))
        data = self._blobs.reader(self._container, report).read(offset, _PIECE)
        if not data:
            if task.forced and DriftKind.ROW_WITHOUT_BLOB in task.kinds:
                self._confirm_losses()
            return None
        results, outages, upto = list[DriftJson](), 0, 0
        until = time.monotonic() + _PART_SECONDS
        for end, line, value in decode(data):
            upto = end
            if line.kind not in task.kinds:
                continue
            renew()
            outcome = self._attempt(line)
            outages = outages + 1 if outcome.outage is not None else 0
            if outcome.outage is not None and outages == _OUTAGES_IN_A_ROW:
                raise outcome.outage
            repaired = repaired_as_json(RepairedLine(value, outcome.result, outcome.reason))
            add_sample(task, outcome.result, repaired)
            results.append(repaired)
            if len(results) == _MOST_REPAIRS or time.monotonic() > until:
                break
        task.after = str(offset + upto)
        return results

    def _attempt(self, line: DriftLine) -> RepairOutcome:
        try:
            return self._repairs[line.kind](line)
        except Unavailable as error:
            return failed(error.code, error)
        except CliplinkError as error:
            return failed(error.code)
        except Exception:  # noqa: BLE001 - logged and reported; one line must not stop the others
            _log.exception("A repair failed: %s %s", line.kind, line.blob)
            return failed("internal_error")


def _leave_unknown(_: DriftLine) -> RepairOutcome:
    return left(
        "Blobs of a video that the catalogue does not know are neither deleted nor processed."
    )
