"""Migrations that the API starts: planned and executed by messages of a queue.

    POST -> row -> message -> plan: the folder is read, its files are stored -> up to 16 messages
                                                                                      |
                                message -> a batch: files are moved and finished -> next message

Messages carry ids only and may come twice, late or never: the catalogue holds what there is to
do. The host delivers a failed message again; the cleanup resumes or ends migrations without one.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from clips.migration.old_files import scan
from clips.migration.reasons import AnyReason, Reason
from clips.transfer.faults import FileFault
from clips.upkeep.items import Tally, each
from shared import telemetry
from shared.catalogue.migration.migration_clip_queries import MigrationClips
from shared.catalogue.migration.migration_file_queries import (
    FileResult,
    FileState,
    MigrationFiles,
    PlannedFile,
)
from shared.catalogue.migration.migration_queries import MAX_LISTED, MAX_PLANNINGS, Job, Migrations
from shared.errors import FieldError, InvalidRequest, NotFound, StorageUnavailable, WrongState
from shared.model.failure import Failure
from shared.model.migration import MigrationReport
from shared.outages import NO_WAIT, OutageWait
from shared.storage.sdk.queue import Queue

if TYPE_CHECKING:
    from clips.migration.moving.batch import BatchMover
    from clips.migration.outcomes import UnmatchedFile
    from clips.migration.plan import Plan

_log = logging.getLogger(__name__)

# How many batches of one migration run at a time, on as many instances.
_MAX_MESSAGES = 16


class MigrationJobs:
    def __init__(
        self,
        root: Path | None,
        migrations: Migrations,
        files: MigrationFiles,
        clips: MigrationClips,
        queue: Queue,
        make_mover: Callable[[], "BatchMover"],
    ) -> None:
        self._root = root
        self._migrations = migrations
        self._files = files
        self._clips = clips
        self._queue = queue
        self._make_mover = make_mover

    def start(self, folder: str, batch_size: int) -> MigrationReport:
        """Starts a migration, or resumes the one that is running for that folder.

        Raises WrongState without a root, InvalidRequest for a folder that is not below it.
        """
        root = self._root
        if root is None:
            raise WrongState(
                "The setting MIGRATION_ROOT is missing, so there are no files to migrate."
            )
        if not root.is_dir():
            raise WrongState(
                "The folder MIGRATION_ROOT does not exist. Check that the share is mounted."
            )
        try:
            path = scan.folder_below(root, folder)
        except scan.OutsideRoot as error:
            field = FieldError("must be a folder below MIGRATION_ROOT", parameter="local_clips_dir")
            raise InvalidRequest("Invalid fields: local_clips_dir.", (field,)) from error
        migration_id = self._migrations.start(path, batch_size)
        # Together with the audit line of the same call it says who started which migration.
        _log.info("The migration %s of %r is running", migration_id, path)
        self._queue.send([str(migration_id)])
        return self.get(migration_id)

    def get(self, migration_id: UUID) -> MigrationReport:
        """Raises NotFound."""
        found = self._migrations.get(migration_id)
        if found is None:
            raise NotFound("There is no such migration.")
        return found

    def work(
        self, message: str, message_id: str | None, wait: OutageWait = NO_WAIT
    ) -> Sequence[str]:
        """Works on a message, the plan or a batch; returns the messages to send next.

        `wait` is the policy for outages between the steps; a batch itself waits for storage.
        An exception means that the message is to be delivered again.
        """
        job = wait.through(lambda: self._migrations.job(UUID(message)))
        if job is None:
            _log.info("The migration %s has already ended", message)
            return []
        if job.planned:
            with telemetry.span("migration.batch"):
                return self._move_batch(job, message_id, wait)
        with telemetry.span("migration.plan"):
            return self._plan(job, message_id, wait)

    def resume(self) -> Tally:
        """Resumes or ends migrations that no worker works on, and counts them."""
        stalled = self._migrations.stalled()
        return each(stalled, self._resume, lambda migration_id: f"migration {migration_id}")

    def _resume(self, migration_id: UUID) -> int:
        self._end_if_done(migration_id)
        if self._migrations.job(migration_id) is not None:
            _log.warning(
                "The cleanup resumed the migration %s, because no worker worked on it", migration_id
            )
            self._queue.send([str(migration_id)])
        return 1

    def forget(self) -> int:
        """Deletes the records of migrations that ended long ago, and returns how many."""
        return self._migrations.forget()

    def _plan(self, job: Job, message_id: str | None, wait: OutageWait) -> Sequence[str]:
        attempts = wait.through(lambda: self._migrations.begin_planning(job.id, message_id))
        if attempts is None:
            return []
        if attempts > MAX_PLANNINGS:
            self._migrations.fail(job.id, _failure(Reason.GAVE_UP))
            return []
        root = self._root and scan.real_path(self._root)
        folder = root and scan.existing_folder(root, job.folder)
        if not folder:
            self._migrations.fail(job.id, _failure(FileFault.VANISHED))
            return []
        batches = wait.through(lambda: self._store_plan(job, folder))
        if wait.through(lambda: self._migrations.finish(job.id)):
            return []
        return [str(job.id)] * min(batches, _MAX_MESSAGES)

    def _store_plan(self, job: Job, folder: bytes) -> int:
        """Reads the folder, stores all its files, and returns how many batches they are."""
        from clips.migration.ledger import Ledger
        from clips.migration.matching import match
        from clips.migration.moving.lease import LeaseKeeper
        from clips.migration.plan import Plan

        lease = LeaseKeeper(lambda: self._migrations.still_planning(job.id))
        with Ledger() as ledger:
            ledger.add_files(lease.renewing(scan.scan(folder)))
            ledger.add_clips(lease.renewing(self._clips.clips()))
            match(ledger)
            plan = Plan(ledger)
            self._files.add_unmatched(job.id, lease.renewing(map(_unmatched, plan.unmatched())))
            self._files.add(job.id, lease.renewing(_planned(plan)))
            without_file = islice(plan.clips_without_file(), MAX_LISTED)
            self._migrations.planned(job.id, [clip.clip_id for clip in without_file])
            count, _ = plan.totals()
        return -(-count // job.batch_size)

    def _move_batch(self, job: Job, message_id: str | None, wait: OutageWait) -> Sequence[str]:
        root = self._root and scan.real_path(self._root)
        if not root:
            raise WrongState("The setting MIGRATION_ROOT is missing on this instance.")
        taken = wait.through(lambda: self._files.take(job.id, message_id, job.batch_size))
        if taken:
            paths = [file.path for file in taken]
            results = self._make_mover().move(
                root, job.folder, taken, lambda: self._files.renew(job.id, paths)
            )
            wait.through(lambda: self._files.record_results(job.id, results))
            if any(result.state is FileState.WAITING for result in results):
                raise StorageUnavailable(
                    "Files of a migration failed because of an outage. They are tried again."
                )
        if wait.through(lambda: self._files.any_left(job.id)):
            return [str(job.id)]
        wait.through(lambda: self._end_if_done(job.id))
        return []

    def _end_if_done(self, migration_id: UUID) -> None:
        given_up = self._files.give_up(migration_id, _failure(Reason.GAVE_UP))
        if given_up:
            _log.error(
                "%d files of the migration %s failed after their last attempt",
                given_up,
                migration_id,
            )
        if self._migrations.finish(migration_id):
            _log.info("The migration %s is done", migration_id)


def _planned(plan: "Plan") -> Iterator[PlannedFile]:
    for item in plan.items():
        yield PlannedFile(
            path=item.path,
            clip_id=item.clip_id,
            video_id=item.video_id,
            blob_name=item.blob_name,
            size=item.size,
            already_stored=item.already_stored,
            duplicates=item.duplicates,
        )


def _unmatched(file: "UnmatchedFile") -> FileResult:
    state = FileState.FAILED if file.is_unreadable else FileState.UNMATCHED
    return FileResult(file.path, state, Failure(file.code, file.detail))


def _failure(reason: AnyReason) -> Failure:
    return Failure(reason, reason.sentence)
