"""One file on its way: read once, sent, compared with what storage then says.

Rows are not touched here. Called from many threads at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass

from clips.migration.items import Item
from clips.migration.names import Kind
from clips.transfer import local_file as files
from clips.transfer.faults import Code, unmovable
from shared.blob_names import Containers
from shared.errors import BlobExists, BlobMissing, UnmovableFile
from shared.storage import Digests, Place, Source, Stored, Transfer

# One question costs little beside so many bytes; below, it would cost a third of the time.
_ASK_FIRST_FROM = 32 * 1024 * 1024

type Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Verified:
    """A file whose bytes are all in storage: by size and MD5, which storage compared too."""

    item: Item
    size: int
    sha256: str
    md5: str
    etag: str


class Mover:
    """Moves files of one folder into one account's containers."""

    def __init__(self, root: bytes, transfer: Transfer, containers: Containers) -> None:
        self._root = root
        self._transfer = transfer
        self._containers = containers

    def move(self, item: Item, progress: Progress) -> Verified:
        """Raises UnmovableFile where the file is at fault, StorageUnavailable."""
        self._compare_twins(item)
        with files.opened(self._root, item.path) as source:
            return self.move_source(item, source, progress)

    def move_source(self, item: Item, source: Source, progress: Progress) -> Verified:
        place = self.place(item)
        there = self._look(place) if self._asks_first(item) else None
        if there is None:
            try:
                stored, digests = self._transfer.upload(place, source, item.content_type, progress)
            except BlobExists as error:
                raise _in_the_way(self._look(place)) from error
            return _verified(item, stored, digests)
        digests = self._transfer.digest(source)
        if not digests.fit(there):
            raise _in_the_way(there)
        progress(digests.size)
        return _verified(item, there, digests)

    def stored(self, item: Item) -> Stored | None:
        """An item's blob as storage has it, if there is one."""
        return self._look(self.place(item))

    def place(self, item: Item) -> Place:
        containers = self._containers
        is_image = item.kind is Kind.IMAGE
        return Place(containers.thumbnails if is_image else containers.clips, item.blob_name)

    def _asks_first(self, item: Item) -> bool:
        return item.there or item.kind is Kind.IMAGE or item.size >= _ASK_FIRST_FROM

    def _look(self, place: Place) -> Stored | None:
        try:
            return self._transfer.look(place)
        except BlobMissing:
            return None

    def _compare_twins(self, item: Item) -> None:
        """Files that fit a clip equally well have to be equal: none is preferred by guessing."""
        if not item.twins:
            return
        contents = {self._sha256(path) for path in (item.path, *item.twins)}
        if len(contents) > 1:
            raise unmovable(Code.OTHER_CONTENTS)

    def _sha256(self, path: bytes) -> str:
        with files.opened(self._root, path) as source:
            return self._transfer.digest(source).sha256


def _in_the_way(blob: Stored | None) -> UnmovableFile:
    """Why a blob cannot be taken for the file's own."""
    unknown = blob is not None and blob.md5 is None
    return unmovable(Code.BLOB_UNVERIFIED if unknown else Code.BLOB_DIFFERS)


def _verified(item: Item, stored: Stored, digests: Digests) -> Verified:
    return Verified(item, digests.size, digests.sha256, digests.md5, stored.etag)
