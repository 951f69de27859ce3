"""Moves one file: read once, uploaded, and compared with what storage then has.

Rows are not touched here. Used by many threads at a time.
"""

from collections.abc import Callable

from clips.migration.outcomes import PlanItem, VerifiedFile
from clips.migration.reasons import Reason, not_migratable
from clips.transfer.file_types import FileKind
from clips.transfer.local_file import open_file
from shared.blob_names.containers import Containers
from shared.errors import BlobExists, BlobMissing, UnusableFile
from shared.storage.files.file_transfer import Transfer
from shared.storage.files.stored import Digests, Place, Stored, TransferSource

# From this size on, asking storage first costs little beside the upload; for smaller files it
# would take a third of the time.
_ASK_FIRST_FROM = 32 * 1024 * 1024

# Called with the number of bytes that need no more work.
type CountBytes = Callable[[int], object]


class FileMover:
    """Moves files of one folder into the containers of one account."""

    def __init__(self, root: bytes, transfer: Transfer, containers: Containers) -> None:
        self._root = root
        self._transfer = transfer
        self._containers = containers

    def move(self, item: PlanItem, count: CountBytes) -> VerifiedFile:
        """Raises UnusableFile if the file is the cause, StorageUnavailable."""
        self._compare_duplicates(item)
        with open_file(self._root, item.path) as source:
            return self.move_source(item, source, count)

    def move_source(
        self, item: PlanItem, source: TransferSource, count: CountBytes
    ) -> VerifiedFile:
        """As `move`, with bytes from anywhere."""
        stored = self.stored(item) if _asks_first(item) else None
        if stored is None:
            return self._upload(item, source, count)
        digests = self._transfer.digest(source)
        if not digests.fit(stored):
            raise _conflict(stored)
        count(digests.size)
        # A row does not record its image; for a clip, the row must have the blob already.
        was_stored = item.already_stored or item.kind is FileKind.IMAGE
        return _verified(item, stored, digests, was_stored=was_stored)

    def stored(self, item: PlanItem) -> Stored | None:
        """An item's blob as storage has it, or None."""
        try:
            return self._transfer.look(self._place(item))
        except BlobMissing:
            return None

    def _upload(self, item: PlanItem, source: TransferSource, count: CountBytes) -> VerifiedFile:
        try:
            stored, digests = self._transfer.upload(
                self._place(item), source, item.content_type, count
            )
        except BlobExists as error:
            raise _conflict(self.stored(item)) from error
        return _verified(item, stored, digests, was_stored=False)

    def _place(self, item: PlanItem) -> Place:
        containers = self._containers
        is_image = item.kind is FileKind.IMAGE
        return Place(containers.thumbnails if is_image else containers.clips, item.blob_name)

    def _compare_duplicates(self, item: PlanItem) -> None:
        """Files that match a clip equally well must have equal bytes: nothing is guessed."""
        if not item.duplicates:
            return
        contents = {self._sha256(path) for path in (item.path, *item.duplicates)}
        if len(contents) > 1:
            raise not_migratable(Reason.OTHER_CONTENTS)

    def _sha256(self, path: bytes) -> str:
        with open_file(self._root, path) as source:
            return self._transfer.digest(source).sha256


def _asks_first(item: PlanItem) -> bool:
    is_large = item.size >= _ASK_FIRST_FROM
    return item.already_stored or item.kind is FileKind.IMAGE or is_large


def _conflict(blob: Stored | None) -> UnusableFile:
    """The error if a blob of that name exists and cannot be shown to hold the file's bytes."""
    unknown = blob is not None and blob.md5 is None
    return not_migratable(Reason.BLOB_UNVERIFIED if unknown else Reason.BLOB_DIFFERS)


def _verified(
    item: PlanItem, stored: Stored, digests: Digests, *, was_stored: bool
) -> VerifiedFile:
    return VerifiedFile(
        item=item,
        size=digests.size,
        sha256=digests.sha256,
        md5=digests.md5,
        etag=stored.etag,
        was_stored=was_stored,
    )
