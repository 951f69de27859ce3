"""Migrations that the API starts: planned and worked off by messages of a queue.

    POST -> row -> message -> folder read, files noted -> up to 16 messages
                                                             |
                              message -> a batch of files moved and settled -> next message

Messages carry ids only and may come twice, late or never: what is to be done stands in the
catalogue. A message that fails is delivered again by the host; what stands still all the same
is woken, or ended, by the cleanup.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from clips.migration import folders
from clips.transfer.faults import Code
from shared import telemetry
from shared.catalogue import Job, MigrationFiles, Migrations, Moving
from shared.catalogue.migration_file_queries import FileResult, FileState, PlannedFile
from shared.catalogue.migration_queries import MAX_LISTED, MAX_PLANNINGS
from shared.errors import FieldError, InvalidRequest, NotFound, StorageUnavailable, WrongState
from shared.model import Failure, MigrationReport
from shared.outages import NO_WAIT, OutageWait
from shared.storage import Queue

if TYPE_CHECKING:
    from clips.migration.batch import BatchMover, Heart
    from clips.migration.items import LeftOver
    from clips.migration.plan import Plan

_log = logging.getLogger(__name__)

MOST_MESSAGES = 16
"""How many batches of one migration are worked on at a time, on as many instances."""


class MigrationJobs:
    def __init__(
        self,
        root: Path | None,
        migrations: Migrations,
        files: MigrationFiles,
        moving: Moving,
        queue: Queue,
        mover_of: Callable[[], "BatchMover"],
    ) -> None:
        self._root = root
        self._migrations = migrations
        self._files = files
        self._moving = moving
        self._queue = queue
        self._mover_of = mover_of

    def start(self, folder: str, batch_size: int) -> MigrationReport:
        """A new migration, or the one that is running for that folder, woken.

        Raises WrongState without a root, InvalidRequest for a folder that is not below it.
        """
        root = self._root
        if root is None:
            raise WrongState("The setting MIGRATION_ROOT is missing: no files can be seen here.")
        if not folders.is_there(root):
            raise WrongState("MIGRATION_ROOT is not there: is the share mounted?")
        try:
            wanted = folders.below(root, folder)
        except folders.OutsideRoot as error:
            field = FieldError("must be a folder below MIGRATION_ROOT", parameter="local_clips_dir")
            raise InvalidRequest("Look at: local_clips_dir.", (field,)) from error
        migration_id = self._migrations.start(wanted, batch_size)
        # Joins the line of who asked for it, which the same call has written.
        _log.info("Begun, or running already: migration %s of %r", migration_id, wanted)
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
        """Does what a message asks for, the plan or a batch; returns the messages to send next.

        An outage between the steps is waited for as `wait` says; a batch waits for storage by
        itself. Whatever is raised means that the message is to be delivered again.
        """
        job = wait.through(lambda: self._migrations.job(UUID(message)))
        if job is None:
            _log.info("Nothing to do: the migration %s is over", message)
            return []
        if job.planned:
            with telemetry.span("migration.batch"):
                return self._move_batch(job, message_id, wait)
        with telemetry.span("migration.plan"):
            return self._plan(job, message_id, wait)

    def resume(self) -> int:
        """Ends or wakes what stands still, and returns how many migrations that were."""
        stalled = self._migrations.stalled()
        for migration_id in stalled:
            self._end_if_done(migration_id)
            if self._migrations.job(migration_id) is not None:
                _log.warning("Woken, nobody worked on it: migration %s", migration_id)
                self._queue.send([str(migration_id)])
        return len(stalled)

    def forget(self) -> int:
        """Drops what was over long ago, and returns how many migrations that were."""
        return self._migrations.forget()

    def _plan(self, job: Job, message_id: str | None, wait: OutageWait) -> Sequence[str]:
        times = wait.through(lambda: self._migrations.begin_planning(job.id, message_id))
        if times is None:
            return []
        if times > MAX_PLANNINGS:
            self._migrations.fail(job.id, _failure(Code.GAVE_UP))
            return []
        root = self._root and folders.real(self._root)
        folder = root and folders.in_place(root, job.folder)
        if not folder or not os.path.isdir(folder):
            self._migrations.fail(job.id, _failure(Code.VANISHED))
            return []
        batches = wait.through(lambda: self._note_files(job, folder))
        if wait.through(lambda: self._migrations.finish(job.id)):
            return []
        return [str(job.id)] * min(batches, MOST_MESSAGES)

    def _note_files(self, job: Job, folder: bytes) -> int:
        """Reads the folder, notes all that is in it, and returns how many batches that makes."""
        from clips.migration.batch import Heart
        from clips.migration.ledger import Ledger
        from clips.migration.plan import Plan
        from clips.migration.scan import scan

        heart = Heart(lambda: self._migrations.still_planning(job.id))
        with Ledger() as ledger:
            ledger.add_files(_beating(heart, scan(folder)))
            ledger.add_clips(_beating(heart, self._moving.clips()))
            plan = Plan(ledger)
            strays = (_stray(file) for file in plan.left_over())
            self._files.add_strays(job.id, _beating(heart, strays))
            self._files.add(job.id, _beating(heart, _planned(plan)))
            no_file = islice(plan.without_file(), MAX_LISTED)
            self._migrations.planned(job.id, [clip.clip_id for clip in no_file])
            count, _ = plan.totals()
        return -(-count // job.batch_size)

    def _move_batch(self, job: Job, message_id: str | None, wait: OutageWait) -> Sequence[str]:
        root = self._root and folders.real(self._root)
        if not root:
            raise WrongState("The setting MIGRATION_ROOT is missing on this instance.")
        taken = wait.through(lambda: self._files.take(job.id, message_id, job.batch_size))
        if taken:
            paths = [file.path for file in taken]
            results = self._mover_of().move(
                root, job.folder, taken, lambda: self._files.renew(job.id, paths)
            )
            wait.through(lambda: self._files.settle(job.id, results))
            if any(result.state is FileState.WAITING for result in results):
                raise StorageUnavailable("Files of a migration could not be moved; tried again.")
        if wait.through(lambda: self._files.any_left(job.id)):
            return [str(job.id)]
        wait.through(lambda: self._end_if_done(job.id))
        return []

    def _end_if_done(self, migration_id: UUID) -> None:
        given_up = self._files.give_up(migration_id, _failure(Code.GAVE_UP))
        if given_up:
            _log.error("Given up: %d files of the migration %s", given_up, migration_id)
        if self._migrations.finish(migration_id):
            _log.info("Done: migration %s", migration_id)


def _planned(plan: "Plan") -> Iterator[PlannedFile]:
    for item in plan.items():
        yield PlannedFile(
            path=item.path,
            clip_id=item.clip_id,
            video_id=item.video_id,
            blob_name=item.blob_name,
            size=item.size,
            there=item.there,
            twins=item.twins,
        )


def _stray(file: "LeftOver") -> FileResult:
    state = FileState.FAILED if file.is_unseen else FileState.UNMATCHED
    return FileResult(file.path, state, Failure(file.code, file.detail))


def _beating[Each](heart: "Heart", items: Iterable[Each]) -> Iterator[Each]:
    for item in items:
        heart.tick()
        yield item


def _failure(code: Code) -> Failure:
    return Failure(code, code.sentence)
