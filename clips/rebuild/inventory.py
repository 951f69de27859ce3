"""Reads containers in the order of names, and finds the blobs that belong together.

Memory does not grow with the containers: one page of each listing is held at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from shared import blob_names
from shared.errors import BlobMissing
from shared.model.blob import Blob
from shared.model.sidecar import SidecarKey, SidecarKind
from shared.storage.blob_reader import BlobReader


class StoredBlobs(Protocol):
    """The part of storage that a rebuild reads."""

    def pages(
        self, container: str, prefix: str = "", *, metadata: bool = False
    ) -> Iterator[list[Blob]]:
        """All blobs in the order of their names, a page at a time."""

    def get(self, container: str, name: str) -> Blob:
        """The properties of a blob; raises BlobMissing."""

    def reader(self, container: str, blob: Blob) -> BlobReader:
        """Reads ranges of exactly this version of the blob."""


@dataclass(frozen=True, slots=True)
class StoredSidecar:
    """A sidecar, and the names of the other blobs in its clip's folder: images and copies."""

    key: SidecarKey
    blob: Blob
    images: frozenset[str]


def sidecars(blobs: StoredBlobs, container: str) -> Iterator[StoredSidecar]:
    """All sidecars in the order of their names."""
    folder: str | None = None
    found: StoredSidecar | None = None
    images: set[str] = set()
    for page in blobs.pages(container, metadata=True):
        for blob in page:
            blob_folder = blob.name.rpartition("/")[0]
            key = blob_names.sidecar_of(blob.name)
            if blob_folder != folder or (key and key.kind is not SidecarKind.CLIP):
                if found is not None:
                    yield StoredSidecar(found.key, found.blob, frozenset(images))
                folder, found, images = blob_folder, None, set()
            if key is not None:
                found = StoredSidecar(key, blob, frozenset())
            else:
                images.add(blob.name)
    if found is not None:
        yield StoredSidecar(found.key, found.blob, frozenset(images))


class BlobFinder:
    """Finds blobs by name: in one listing while the names ascend, otherwise by a request."""

    def __init__(self, blobs: StoredBlobs, container: str) -> None:
        self._blobs = blobs
        self._container = container
        self._listing = (blob for page in blobs.pages(container) for blob in page)
        self._next: Blob | None = next(self._listing, None)
        self._last_name = ""

    def find(self, name: str, key: SidecarKey) -> Blob | None:
        """The blob of that name, which belongs to the row of that key."""
        own = key.clip_id is not None and name.startswith(f"{key.video_id}/{key.clip_id}")
        if not own or name <= self._last_name:
            return self._request(name)
        self._last_name = name
        while self._next is not None and self._next.name < name:
            self._next = next(self._listing, None)
        found = self._next
        return found if found is not None and found.name == name else None

    def _request(self, name: str) -> Blob | None:
        try:
            return self._blobs.get(self._container, name)
        except BlobMissing:
            return None
