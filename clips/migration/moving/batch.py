"""Moves a batch of files for a migration that the API started, as the command moves them.

Files that met an outage are returned as waiting, to be taken again.
"""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from clips.migration.moving.executor import Callbacks, Executor, Outage
from clips.migration.moving.lease import LeaseKeeper
from clips.migration.moving.mover import FileMover
from clips.migration.moving.row_updater import RowUpdater
from clips.migration.outcomes import FailedFile, Outcome, PlanItem, VerifiedFile
from clips.transfer.context import CancelToken
from clips.transfer.file_types import type_of
from shared.blob_names.containers import Containers
from shared.catalogue.migration.migration_clip_queries import MigrationClips
from shared.catalogue.migration.migration_file_queries import (
    MAX_ATTEMPTS,
    FileResult,
    FileState,
    TakenFile,
)
from shared.model.failure import Failure
from shared.storage.files.file_transfer import Transfer
from shared.storage.rest import RETRY_FOR_MINUTES
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.signed_links import Links

_log = logging.getLogger(__name__)

_AT_ONCE = 4


class BatchMover:
    """Connects for each batch anew, so that nothing is held between batches."""

    def __init__(
        self,
        account: StorageAccount,
        links: Links,
        containers: Containers,
        clips: MigrationClips,
    ) -> None:
        self._account = account
        self._links = links
        self._containers = containers
        self._clips = clips

    def move(
        self,
        root: bytes,
        folder: bytes,
        files: Sequence[TakenFile],
        renew_lease: Callable[[], object],
    ) -> Sequence[FileResult]:
        """The result of each file; one that met an outage waits, unless it was its last attempt.

        Paths of files are below `folder`, which is below `root`: no part of either may be a link.
        """
        token = CancelToken()
        retry_policy = replace(RETRY_FOR_MINUTES, pause=token.pause)
        outcomes: dict[bytes, Outcome] = {}

        def record(outcome: Outcome) -> None:
            outcomes[outcome.path] = outcome

        with Transfer(
            self._account, self._links, at_once=_AT_ONCE, retry_policy=retry_policy
        ) as transfer:

            def cancel() -> None:
                token.cancel()
                transfer.abort()

            executor = Executor(
                FileMover(root, transfer, self._containers).move,
                RowUpdater(self._clips, self._account, self._containers, retry_policy),
                Callbacks(record=record, tick=LeaseKeeper(renew_lease).tick, cancel=cancel),
                batch_size=len(files),
                at_once=_AT_ONCE,
            )
            try:
                executor.run(_item(folder, file) for file in files)
            except Outage as error:
                _log.warning("A batch was interrupted by an outage: %s", error)
        return [_result(file, outcomes.get(os.path.join(folder, file.path))) for file in files]


def _item(folder: bytes, file: TakenFile) -> PlanItem:
    type_ = type_of(file.path)
    return PlanItem(
        path=os.path.join(folder, file.path),
        size=file.size,
        kind=type_.kind,
        clip_id=file.clip_id,
        video_id=file.video_id,
        blob_name=file.blob_name,
        content_type=type_.content_type,
        already_stored=file.already_stored,
        duplicates=tuple(os.path.join(folder, path) for path in file.duplicates),
    )


def _result(file: TakenFile, outcome: Outcome | None) -> FileResult:
    match outcome:
        case VerifiedFile(was_stored=was_stored):
            state = FileState.SKIPPED if was_stored else FileState.MIGRATED
            return FileResult(file.path, state)
        case FailedFile(in_outage=in_outage) if not in_outage or file.attempts >= MAX_ATTEMPTS:
            return FileResult(file.path, FileState.FAILED, Failure(outcome.code, outcome.detail))
        case _:
            return FileResult(file.path, FileState.WAITING)
