"""Restores rows from sidecars, a batch at a time; every batch is one transaction.

A row that is not older than its sidecar is skipped without reading the sidecar, whose metadata hold
the revision. So a run that was interrupted is cheap to repeat.

In the order of names, clips come before the sidecar of their video, which is therefore read ahead.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import batched
from uuid import UUID

from clips.rebuild import decisions
from clips.rebuild.decisions import Addresses, StoredParts
from clips.rebuild.inventory import BlobFinder, StoredBlobs, StoredSidecar, sidecars
from clips.rebuild.report import Report
from clips.rebuild.row_writer import Batch, RowWriter
from clips.rebuild.sidecar_reader import SidecarReader
from clips.sidecars.records import (
    ClipRecord,
    Owner,
    Record,
    SourceRecord,
    VideoRecord,
)
from clips.sidecars.revisions import revision_of
from clips.sidecars.sidecar_file import Unreadable
from clips.sidecars.writer import stored_revision_of
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.rebuild.rebuild_queries import Rebuilding
from shared.errors import BlobMissing
from shared.model.blob import Blob
from shared.model.sidecar import SidecarKey, SidecarKind

_BATCH = 500
_REMEMBERED_OWNERS = 10_000

type Revisions = Mapping[SidecarKey, int]


class Restoring:
    """`planned_videos` are those that a dry run would have made."""

    def __init__(
        self,
        blobs: StoredBlobs,
        containers: Containers,
        catalogue: Rebuilding,
        addresses: Addresses,
        report: Report,
        rows: RowWriter,
    ) -> None:
        self._blobs = blobs
        self._containers = containers
        self._catalogue = catalogue
        self._addresses = addresses
        self._report = report
        self._rows = rows
        self._reader = SidecarReader(blobs, containers.thumbnails)
        self._users: dict[tuple[str | None, UUID], UUID] = {}
        self._read_ahead: set[SidecarKey] = set()
        self.planned_videos: set[UUID] = set()

    def run(self, progress: Callable[[SidecarKey, int], object]) -> None:
        """Restores what the sidecars describe; `progress` gets the last key of each batch.

        Raises Unavailable.
        """
        self._clips = BlobFinder(self._blobs, self._containers.clips)
        self._bin = BlobFinder(self._blobs, self._containers.bin)
        found = sidecars(self._blobs, self._containers.thumbnails)
        try:
            for items in batched(found, _BATCH, strict=False):
                self._restore(items)
                progress(items[-1].key, len(items))
        finally:
            self._reader.close()

    def _restore(self, items: Sequence[StoredSidecar]) -> None:
        known = self._revisions(item.key for item in items)
        wanted = self._wanted(items, known)
        read = self._usable(self._reader.read((item.key, item.blob) for item in wanted))
        batch = Batch()
        hidden, known_videos = self._videos(read, batch)
        for item in wanted:
            record = read.get(item.key)
            if record is None or isinstance(record, VideoRecord):
                continue
            if record.video_id not in hidden:
                self._leave_out(item.key, "unknown_video", "Its video has no sidecar and no row.")
            elif isinstance(record, SourceRecord):
                stored = self._stored_source(record, hidden=hidden[record.video_id])
                batch.sources[item.key] = decisions.restored_source(record, stored)
            else:
                stored = self._stored(item, record, hidden=hidden[record.video_id])
                batch.clips[item.key] = decisions.restored_clip(record, stored, self._addresses)
        self._rows.write(batch, {**known, **known_videos})

    def _revisions(self, keys: Iterable[SidecarKey]) -> Revisions:
        """The revisions of the rows that are in the catalogue."""
        found = self._catalogue.revisions(list(keys))
        return {key: revision_of(changed_at) for key, changed_at in found.items()}

    def _wanted(self, items: Iterable[StoredSidecar], known: Revisions) -> list[StoredSidecar]:
        """The sidecars that are newer than their rows, unless a row was deleted meanwhile."""
        wanted: list[StoredSidecar] = []
        for item in items:
            if item.key in self._read_ahead:
                self._read_ahead.remove(item.key)
            elif 0 < stored_revision_of(item.blob) <= known.get(item.key, -1):
                self._report.already_there[f"{item.key.kind}s"] += 1
            else:
                wanted.append(item)
        deleted = self._catalogue.deleted([i.key for i in wanted if i.key not in known])
        for item in wanted:
            if item.key in deleted and item.key not in known:
                self._leave_out(item.key, "deleted", "It was deleted; its sidecar is deleted next.")
        return [item for item in wanted if item.key not in deleted or item.key in known]

    def _usable(
        self, contents: Mapping[SidecarKey, Record | Unreadable | None]
    ) -> dict[SidecarKey, Record]:
        """The contents that can be used; the others are reported."""
        usable: dict[SidecarKey, Record] = {}
        for key, content in contents.items():
            if isinstance(content, Unreadable):
                self._leave_out(key, content.code, content.detail)
            elif content is not None:
                usable[key] = content
        return usable

    def _videos(
        self, read: Mapping[SidecarKey, Record], batch: Batch
    ) -> tuple[Mapping[UUID, bool], Revisions]:
        """Adds the rows of videos that are newer than the catalogue's.

        Returns for each video that will exist whether it is hidden, and the revisions of those that
        exist already.
        """
        needed = {r.video_id for r in read.values() if not isinstance(r, VideoRecord)}
        keys = {SidecarKey(SidecarKind.VIDEO, video_id) for video_id in needed}
        found: dict[SidecarKey, Record] = {
            key: record for key, record in read.items() if isinstance(record, VideoRecord)
        }
        ahead = keys - found.keys() - self._read_ahead
        found |= self._usable(self._reader.read((key, None) for key in ahead))
        self._read_ahead |= ahead & found.keys()
        known = self._revisions(keys | found.keys())
        for key in ahead - found.keys() - known.keys():
            self._video_from_clip(key, read, found)
        hidden = dict(self._catalogue.hidden(needed))
        hidden |= dict.fromkeys(needed & self.planned_videos, False)
        for key, record in found.items():
            if not isinstance(record, VideoRecord):
                continue
            if known.get(key, -1) >= revision_of(record.changed_at):
                self._report.already_there["videos"] += 1
                continue
            batch.videos[key] = decisions.video_row(record, self._user(record.owner))
            hidden[key.video_id] = record.deleted_at is not None
        if self._report.dry_run:
            self.planned_videos |= {key.video_id for key in batch.videos}
        return hidden, known

    def _video_from_clip(
        self,
        key: SidecarKey,
        read: Mapping[SidecarKey, Record],
        found: dict[SidecarKey, Record],
    ) -> None:
        """Makes the missing record of a video from the sidecar of one of its clips."""
        for clip in read.values():
            if isinstance(clip, ClipRecord) and clip.video_id == key.video_id:
                found[key] = VideoRecord(
                    id=key.video_id,
                    owner=clip.owner,
                    status="done",
                    created_at=clip.created_at,
                    changed_at=clip.created_at,
                )
                return

    def _user(self, owner: Owner) -> UUID:
        """The id of the owner in this catalogue."""
        if self._report.dry_run:
            return owner.user_id
        known = self._users.get((owner.subject, owner.user_id))
        if known is None:
            known = self._catalogue.user(owner.subject, owner.user_id, owner.email)
            if len(self._users) >= _REMEMBERED_OWNERS:
                self._users.clear()
            self._users[owner.subject, owner.user_id] = known
        return known

    def _stored(self, item: StoredSidecar, record: ClipRecord, *, hidden: bool) -> StoredParts:
        name = record.blob_name
        blob = self._clips.find(name, item.key) if name else None
        binned = self._bin.find(name, item.key) if name and blob is None else None
        return StoredParts(blob=blob, binned=binned, images=item.images, video_is_hidden=hidden)

    def _stored_source(self, record: SourceRecord, *, hidden: bool) -> StoredParts:
        names = (record.poster_name, record.storyboard_name)
        images = {name for name in names if name and self._get(self._containers.thumbnails, name)}
        blob = self._get(self._containers.videos, record.blob_name)
        binned = None if blob else self._get(self._containers.bin, record.blob_name)
        return StoredParts(blob=blob, binned=binned, images=images, video_is_hidden=hidden)

    def _get(self, container: str, name: str) -> Blob | None:
        try:
            return self._blobs.get(container, name)
        except BlobMissing:
            return None

    def _leave_out(self, key: SidecarKey, code: str, detail: str) -> None:
        self._report.leave_out(blob_names.sidecar(key), code, detail)
