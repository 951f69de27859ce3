"""Reads sidecars, several at a time, while a service may overwrite or delete them."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from clips.rebuild.inventory import StoredBlobs
from clips.sidecars import sidecar_file
from clips.sidecars.records import Record
from clips.sidecars.sidecar_file import Unreadable
from shared import blob_names
from shared.errors import BlobArchived, BlobChanged, BlobMissing
from shared.model.blob import Blob
from shared.model.sidecar import SidecarKey

# The client of storage has ten connections.
_AT_ONCE = 8
_TRIES = 3

# What a sidecar holds, or why it cannot be used; None if there is none.
type Content = Record | Unreadable | None


class SidecarReader:
    def __init__(self, blobs: StoredBlobs, container: str) -> None:
        self._blobs = blobs
        self._container = container
        self._pool = ThreadPoolExecutor(_AT_ONCE)

    def read(
        self, wanted: Iterable[tuple[SidecarKey, Blob | None]]
    ) -> Mapping[SidecarKey, Content]:
        """The contents by key; a blob from a listing saves a request. Raises Unavailable."""
        items: Sequence[tuple[SidecarKey, Blob | None]] = list(wanted)
        read = partial(content_of, self._blobs, self._container)
        contents = self._pool.map(lambda item: read(*item), items)
        return {key: content for (key, _), content in zip(items, contents, strict=True)}

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def content_of(
    blobs: StoredBlobs, container: str, key: SidecarKey, listed: Blob | None = None
) -> Content:
    """The content of one sidecar; `listed` is its blob, if a listing had it. Raises Unavailable."""
    name = blob_names.sidecar(key)
    try:
        for _ in range(_TRIES):
            blob = listed or blobs.get(container, name)
            if blob.size > sidecar_file.LARGEST:
                return Unreadable("invalid", f"The sidecar is too large: {blob.size} bytes.")
            try:
                data = blobs.reader(container, blob).read(0, blob.size)
            except BlobChanged:
                listed = None
                continue
            return sidecar_file.parse(key, data)
    except BlobMissing:
        return None
    except BlobArchived:
        return Unreadable("archived", "The sidecar is in the archive tier. Rehydrate it.")
    except Unreadable as problem:
        return problem
    return Unreadable("changing", "The sidecar was overwritten repeatedly. Run the command again.")
