"""A batch of a migration that the API started: files moved as the command line moves them.

What storage or database were too far away for is given back, to be taken again.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from clips.migration import names
from clips.migration.items import Item, Line
from clips.migration.move import Mover, Progress, Verified
from clips.migration.names import Kind
from clips.migration.receipt import Verdict
from clips.migration.rows import Rows
from clips.migration.run import OutOfReach, Run
from clips.transfer.context import Brake
from shared.blob_names import Containers
from shared.catalogue.migration_clip_queries import Moving
from shared.catalogue.migration_file_queries import MAX_ATTEMPTS, FileResult, FileState, TakenFile
from shared.errors import DatabaseUnavailable, StorageUnavailable, Unavailable
from shared.model import Failure
from shared.storage import RETRY_FOR_MINUTES, Links, StorageAccount, Transfer

_log = logging.getLogger(__name__)

_AT_ONCE = 4
_PAUSE_BETWEEN_BEATS = 15.0
_OUTAGES = {Unavailable.code, DatabaseUnavailable.code, StorageUnavailable.code}

type Beat = Callable[[], object]
"""Tells that the work goes on; may raise Unavailable, which does no harm."""


class BatchMover:
    """Moves batches; connects for each anew, so that nothing is held between them."""

    def __init__(
        self, account: StorageAccount, links: Links, containers: Containers, moving: Moving
    ) -> None:
        self._account = account
        self._links = links
        self._containers = containers
        self._moving = moving

    def move(
        self, root: bytes, folder: bytes, files: Sequence[TakenFile], beat: Beat
    ) -> Sequence[FileResult]:
        """What became of each file; those of an outage wait, unless it was their last attempt.

        Every part of a path below `root` is opened without following links.
        """
        brake = Brake()
        retry_policy = replace(RETRY_FOR_MINUTES, pause=brake.pause)
        lines: dict[bytes, Line] = {}
        with Transfer(
            self._account, self._links, at_once=_AT_ONCE, retry_policy=retry_policy
        ) as transfer:
            mover = _Remembering(Mover(root, transfer, self._containers))

            def stop() -> None:
                brake.pull()
                transfer.abort()

            run = Run(
                mover.move,
                Rows(self._moving, self._account, self._containers, retry_policy),
                Heart(beat),
                lines.__setitem__,
                stop,
                batch_size=len(files),
                at_once=_AT_ONCE,
            )
            try:
                run.run(_item(folder, file) for file in files)
            except OutOfReach as error:
                _log.warning("A batch was broken off: %s", error)
        return [_result(folder, file, lines, mover.already) for file in files]


class _Remembering:
    """Moves files, and remembers which of them were in storage before."""

    def __init__(self, mover: Mover) -> None:
        self._mover = mover
        self.already: set[bytes] = set()

    def move(self, item: Item, progress: Progress) -> Verified:
        if item.there or (item.kind is Kind.IMAGE and self._mover.stored(item)):
            self.already.add(item.path)
        return self._mover.move(item, progress)


class Heart:
    """A run's meter, of which only the ticks count: now and then one becomes a beat."""

    def __init__(self, beat: Beat) -> None:
        self._beat = beat
        self._beaten_at = time.monotonic()

    def tick(self) -> None:
        if time.monotonic() - self._beaten_at < _PAUSE_BETWEEN_BEATS:
            return
        self._beaten_at = time.monotonic()
        try:
            self._beat()
        except Unavailable as error:
            # The lease may run out: then somebody else does the same, to the same end.
            _log.warning("A lease could not be renewed: %s", error)

    def moved(self, size: int) -> None:
        """Nobody looks at bytes here."""

    def finished(self, line: Line) -> None:
        """Lines are told to `note` as well."""

    def close(self) -> None:
        """Holds nothing."""


def _item(folder: bytes, file: TakenFile) -> Item:
    type_ = names.type_of(file.path)
    return Item(
        path=os.path.join(folder, file.path),
        size=file.size,
        kind=type_.kind,
        clip_id=file.clip_id,
        video_id=file.video_id,
        blob_name=file.blob_name,
        content_type=type_.content_type,
        there=file.there,
        twins=tuple(os.path.join(folder, twin) for twin in file.twins),
    )


def _result(
    folder: bytes, file: TakenFile, lines: Mapping[bytes, Line], already: set[bytes]
) -> FileResult:
    path = os.path.join(folder, file.path)
    line = lines.get(path)
    if line is None:
        return FileResult(file.path, FileState.WAITING)
    if line["verdict"] == Verdict.VERIFIED:
        state = FileState.SKIPPED if path in already else FileState.MIGRATED
        return FileResult(file.path, state)
    why = Failure(str(line["code"]), str(line["detail"]))
    if why.code in _OUTAGES and file.attempts < MAX_ATTEMPTS:
        return FileResult(file.path, FileState.WAITING)
    return FileResult(file.path, FileState.FAILED, why)
