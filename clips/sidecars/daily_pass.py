"""Compares all sidecars with the catalogue once a day, a part in each cleanup.

It finds what the outbox cannot show: rows that are older than sidecars, and sidecars that another
program deleted or overwrote. It only queues what has to be written. A sidecar without a row is
never deleted here: the catalogue may have been restored from a backup, or be empty, and then the
sidecar is all that is left.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from clips.sidecars.revisions import revision_of
from clips.sidecars.writer import stored_revision_of
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.sidecars.sidecar_pass_queries import NameRange, PassState, SidecarPass
from shared.catalogue.sidecars.sidecar_queries import SidecarOutbox
from shared.errors import BlobMissing
from shared.model.blob import Blob
from shared.model.sidecar import SidecarKey, SidecarKind

_log = logging.getLogger(__name__)

_EVERY = timedelta(hours=24)
# The pass pauses while more sidecars than this wait to be written.
_MOST_WAITING = 5000
_ROWS = 10_000
_NIL, _LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


class Page(Protocol):
    """A part of a listing."""

    @property
    def blobs(self) -> Sequence[Blob]: ...

    @property
    def marker(self) -> str | None: ...


class ListedContainer(Protocol):
    """The part of storage that the daily pass uses."""

    def page(self, container: str, marker: str | None) -> Page:
        """Some blobs in the order of their names, and the marker of the next page."""


class SidecarCheck:
    def __init__(
        self,
        blobs: ListedContainer,
        containers: Containers,
        outbox: SidecarOutbox,
        progress: SidecarPass,
    ) -> None:
        self._blobs = blobs
        self._container = containers.thumbnails
        self._outbox = outbox
        self._pass = progress

    def run(self, seconds: float) -> int:
        """Continues the pass for so many seconds; counts the sidecars that have to be written.

        It always compares at least one page, so that the pass comes to an end.
        """
        deadline = time.monotonic() + seconds
        state = self._pass.state(_EVERY)
        if not state.due:
            return 0
        if not state.under_way:
            self._pass.begin()
            state = self._pass.state(_EVERY)
        queued = 0
        while state.under_way and self._outbox.waiting(_MOST_WAITING) < _MOST_WAITING:
            queued += self._compare_page(state)
            if time.monotonic() > deadline:
                break
            state = self._pass.state(_EVERY)
        return queued

    def _compare_page(self, state: PassState) -> int:
        try:
            page = self._blobs.page(self._container, state.marker)
        except BlobMissing:
            _log.warning(
                "The daily pass over the sidecars begins again, because its listing has expired"
            )
            self._pass.begin()
            return 0
        blobs, marker = page.blobs, page.marker
        stored = {
            key: stored_revision_of(blob)
            for blob in blobs
            if blob.name > state.after_name and (key := blob_names.sidecar_of(blob.name))
        }
        upto = blobs[-1].name if marker and blobs else None
        known, upto, is_part = self._rows(state.after_name, upto)
        wanted = [
            key for key, revision in known.items() if key not in stored or stored[key] < revision
        ]
        queued = self._outbox.queue(wanted)
        if is_part:
            stored = {
                key: s for key, s in stored.items() if blob_names.sidecar(key) <= (upto or "")
            }
        newer, unknown = self._count_unexpected(stored, known)
        is_over = marker is None and not is_part
        self._pass.advance(
            state.marker if is_part else marker,
            upto or "",
            newer=newer,
            unknown=unknown,
            is_over=is_over,
        )
        if is_over:
            _report(state.newer + newer, state.unknown + unknown)
        return queued

    def _rows(
        self, after: str, upto: str | None
    ) -> tuple[Mapping[SidecarKey, int], str | None, bool]:
        """Revisions of the rows whose sidecars are named (after, upto], by key.

        If there are too many, returns those of the first part, up to the name that is returned in
        place of `upto`.
        """
        rows = self._pass.revisions_between(_range(after, upto), _ROWS)
        ends = _cut_off(rows)
        if ends:
            upto = min(ends)
        named = {key: (blob_names.sidecar(key), revision_of(changed)) for key, changed in rows}
        known = {
            key: revision
            for key, (name, revision) in named.items()
            if name > after and (upto is None or name <= upto)
        }
        return known, upto, bool(ends)

    def _count_unexpected(
        self, stored: Mapping[SidecarKey, int], known: Mapping[SidecarKey, int]
    ) -> tuple[int, int]:
        """How many sidecars are newer than their row, and how many have none."""
        # These rows are read again: a row may have been made since.
        unexpected = [key for key, revision in stored.items() if known.get(key, -1) < revision]
        rows = self._outbox.revisions(unexpected) if unexpected else {}
        newer = sum(1 for key in unexpected if key in rows and revision_of(rows[key]) < stored[key])
        return newer, sum(1 for key in unexpected if key not in rows)


def _cut_off(rows: Sequence[tuple[SidecarKey, object]]) -> list[str]:
    """The last name in each table that has more rows than the limit."""
    names: dict[SidecarKind, list[str]] = {}
    for key, _ in rows:
        names.setdefault(key.kind, []).append(blob_names.sidecar(key))
    return [max(of_kind) for of_kind in names.values() if len(of_kind) >= _ROWS]


def _range(after: str, upto: str | None) -> NameRange:
    first_video, first_clip = _ids(after, _NIL)
    last_video, last_clip = (_LAST, _LAST) if upto is None else _ids(upto, _LAST)
    return NameRange(
        first_video=first_video,
        first_clip=first_clip,
        last_video=last_video,
        last_clip=last_clip,
    )


def _ids(name: str, otherwise: UUID) -> tuple[UUID, UUID]:
    """The ids of video and clip that a name begins with; `otherwise` for an id that is missing."""
    try:
        video_id = UUID(name[:36])
    except ValueError:
        return otherwise, otherwise
    try:
        return video_id, UUID(name[37:73])
    except ValueError:
        return video_id, otherwise


def _report(newer: int, unknown: int) -> None:
    if newer or unknown:
        _log.warning(
            "%d sidecars are newer than their rows, and %d have no row: "
            "`python -m clips.rebuild --dry-run` shows what they would restore",
            newer,
            unknown,
            extra={"sidecars_newer": newer, "sidecars_unknown": unknown},
        )
    _log.info("The daily pass over the sidecars is done")
