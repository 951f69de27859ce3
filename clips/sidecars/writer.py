"""Writes the sidecars of rows that have changed, and deletes those of rows that are gone.

No content ever replaces a newer one, however late a worker is. For each sidecar the stored version
is read first, then the row, and the write needs the stored version to be still the same: if another
worker has written meanwhile, it fails and the entry is tried again. An entry is removed last, so a
worker that dies at any point loses nothing.

A sidecar that is newer than its row stays: the database was restored from a backup, and only the
sidecar knows what has changed since. `python -m clips.rebuild` brings that into the catalogue.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from clips.sidecars.revisions import revision_of
from clips.upkeep.items import Tally
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.sidecars.sidecar_queries import OutboxEntry, SidecarOutbox
from shared.errors import BlobChanged, BlobExists, BlobMissing, CliplinkError, Unavailable
from shared.model.blob import Blob
from shared.model.sidecar import SidecarKey
from shared.postgres.database import Row
from shared.telemetry import with_current_context

_log = logging.getLogger(__name__)

# The metadata key for the time of the row's last change; a listing shows it without reading the
# sidecar.
REVISION = "revision"

# Each is two small requests that mostly wait. The client of storage has ten connections.
_AT_ONCE = 8
_BATCH = 200  # storage deletes up to 256 in one request
_LEASE = timedelta(minutes=2)
_PAUSE_AFTER_FAILURE = timedelta(minutes=10)


class SidecarBlobs(Protocol):
    """The part of storage that the writer of sidecars uses."""

    def get(self, container: str, name: str) -> Blob:
        """The properties of a blob; raises BlobMissing."""

    def put(
        self,
        container: str,
        name: str,
        data: bytes,
        content_type: str,
        *,
        replace: bool,
        metadata: Mapping[str, str] | None = None,
        only_version: str | None = None,
    ) -> None:
        """Writes a blob; raises BlobExists, BlobChanged."""

    def delete_names(self, container: str, names: Sequence[str]) -> list[CliplinkError]:
        """Deletes blobs, and returns what was wrong with single ones."""


class SidecarWriter:
    def __init__(self, blobs: SidecarBlobs, containers: Containers, outbox: SidecarOutbox) -> None:
        self._blobs = blobs
        self._container = containers.thumbnails
        self._outbox = outbox

    def after_landing(self, blob_name: str) -> None:
        """Writes the sidecars of a clip and its video, unless more changes of the clip are due.

        A failure is logged and left to the cleanup, like the sidecars of all other changes.
        """
        self._write_now(lambda: self._outbox.take_of_unchanging(_LEASE, blob_name=blob_name))

    def after_rendition(self, clip_id: UUID) -> None:
        """As `after_landing`, for a clip that got a playable copy."""
        self._write_now(lambda: self._outbox.take_of_unchanging(_LEASE, clip_id=clip_id))

    def drain(self, seconds: float) -> Tally:
        """Works on the outbox for so many seconds; counts the entries that were done."""
        deadline = time.monotonic() + seconds
        total = Tally()
        while time.monotonic() < deadline and not total.outages:
            entries = self._outbox.take(_BATCH, _LEASE)
            if not entries:
                break
            total.add(self._work_on(entries))
        return total

    def _write_now(self, take: Callable[[], Sequence[OutboxEntry]]) -> None:
        try:
            entries = take()
            if entries:
                self._work_on(entries)
        except Unavailable as error:
            _log.warning("The cleanup will write the sidecars: %s", error.detail)

    def _work_on(self, entries: Sequence[OutboxEntry]) -> Tally:
        """Works on some entries."""
        tally = Tally()
        keys = {entry.key for entry in entries}
        known = self._outbox.rows(keys)
        done_keys = self._delete(keys - known.keys(), tally)
        done_keys |= self._write(known.keys(), tally)
        self._finish(entries, done_keys, tally)
        return tally

    def _write(self, keys: Collection[SidecarKey], tally: Tally) -> set[SidecarKey]:
        """Writes the sidecars of rows; returns those that need no more work."""
        stored = self._each(keys, self._stored, tally)
        # Rows are read after the stored versions, never before.
        rows = self._outbox.rows(stored)
        done = self._delete(stored.keys() - rows.keys(), tally)

        def write(key: SidecarKey) -> bool:
            return self._write_one(key, stored[key], rows[key])

        written = self._each(rows, write, tally)
        done |= written.keys()
        # A row may have been deleted after it was read, and the entry of that deletion may have
        # been done before the sidecar existed.
        new = [key for key, was_new in written.items() if was_new]
        gone = set(new) - self._outbox.rows(new).keys() if new else set()
        return done - gone | self._delete(gone, tally)

    def _stored(self, key: SidecarKey) -> Blob | None:
        try:
            return self._blobs.get(self._container, blob_names.sidecar(key))
        except BlobMissing:
            return None

    def _write_one(self, key: SidecarKey, stored: Blob | None, row: Row) -> bool:
        """Whether a sidecar was written that did not exist before."""
        from clips.sidecars import sidecar_file  # models that take long to build: docs/adr/0020

        changed_at: datetime = row["changed_at"]
        revision = revision_of(changed_at)
        if stored is not None:
            stored_revision = stored_revision_of(stored)
            if stored_revision == revision:
                return False
            if stored_revision > revision:
                _log.warning(
                    "A sidecar is newer than its row, so it is not replaced: %s", stored.name
                )
                return False
        self._blobs.put(
            self._container,
            blob_names.sidecar(key),
            sidecar_file.render(key.kind, row),
            "application/json",
            replace=stored is not None,
            metadata={REVISION: str(revision)},
            only_version=stored.etag if stored else None,
        )
        return stored is None

    def _delete(self, keys: Collection[SidecarKey], tally: Tally) -> set[SidecarKey]:
        """Deletes the sidecars of rows that are gone; returns those that are deleted."""
        if not keys:
            return set()
        names = [blob_names.sidecar(key) for key in keys]
        try:
            problems = self._blobs.delete_names(self._container, names)
        except Unavailable as error:
            problems = [error]
        for problem in problems[:1]:
            tally.attempt("deleting sidecars", _raising(problem))
        return set() if problems else set(keys)

    def _each[Result](
        self,
        keys: Iterable[SidecarKey],
        work: Callable[[SidecarKey], Result],
        tally: Tally,
    ) -> dict[SidecarKey, Result]:
        """Works on several keys at a time; returns the results of those that succeeded."""
        results: dict[SidecarKey, Result] = {}
        items = list(keys)
        if not items:
            return results

        def attempt(key: SidecarKey) -> tuple[Result | None, Exception | None]:
            try:
                return work(key), None
            except Exception as error:  # noqa: BLE001 - raised again below, where it is counted
                return None, error

        with ThreadPoolExecutor(min(_AT_ONCE, len(items))) as pool:
            attempts = [with_current_context(attempt) for _ in items]
            outcomes = list(pool.map(lambda run, key: run(key), attempts, items))
        for key, (result, error) in zip(items, outcomes, strict=True):
            if error is None:
                results[key] = result
            elif not isinstance(error, BlobChanged | BlobExists):
                tally.attempt(blob_names.sidecar(key), _raising(error))
        return results

    def _finish(
        self, entries: Iterable[OutboxEntry], done_keys: Collection[SidecarKey], tally: Tally
    ) -> None:
        """Removes what is done. The rest is tried again: at once, or after a failure later."""
        done = [entry.id for entry in entries if entry.key in done_keys]
        self._outbox.remove(done)
        tally.done += len(done)
        left = [entry.id for entry in entries if entry.key not in done_keys]
        if left:
            pause = _PAUSE_AFTER_FAILURE if tally.failed else timedelta(seconds=1)
            self._outbox.postpone(left, pause)


def stored_revision_of(blob: Blob) -> int:
    """The revision in a sidecar's metadata; 0 if it has none."""
    metadata = {name.lower(): value for name, value in blob.metadata.items()}
    text = metadata.get(REVISION, "")
    return int(text) if text.isdecimal() and len(text) < 20 else 0  # noqa: PLR2004 - a bigint


def _raising(error: Exception) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work
