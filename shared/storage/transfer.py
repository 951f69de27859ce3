"""Whole files into blobs: read once, sent side by side, verified, picked up where they ended.

What fits into one block becomes a blob with one request, whose MD5 storage compares before it
stores anything. A longer source is staged in blocks and appears with the last request, as a
whole or not at all. No blob is ever overwritten.
"""

import hashlib
import threading
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, Self

from shared.errors import BlobChanged, BlobExists
from shared.storage.account import StorageAccount
from shared.storage.buffers import Buffer, Buffers
from shared.storage.links import Links
from shared.storage.staging import Staging, block_list, staged_blocks
from shared.storage.wire import FOR_MINUTES, Answer, Patience, Wire

_BUFFERED = 64 * 1024 * 1024
_LARGEST_BLOCK = 8 * 1024 * 1024
_SMALLEST_BLOCK = 1024 * 1024
# https://learn.microsoft.com/rest/api/storageservices/put-block-list
_MOST_BLOCKS = 50_000
# Every request has a link of its own, which need not outlive a slow one.
_LINK_LIFE = timedelta(hours=1)
_NO_WINDOW = timedelta(0)
_SHA256 = "x-ms-meta-sha256"
# From this size on it is worth asking for the blocks that an earlier run has staged.
_WORTH_ASKING = 32 * 1024 * 1024

type Progress = Callable[[int], object]
"""Is told of every so many bytes that are in storage."""


class Source(Protocol):
    """Bytes in order. `size` is None where nobody knows it before the end."""

    @property
    def size(self) -> int | None: ...

    def read_into(self, view: memoryview) -> int:
        """Fills the view from its start and says how far; 0 at the end."""

    def settle(self, digests: "Digests") -> None:
        """Raises if what was read is not what it should be; asked before a blob appears."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a blob lies, or is to lie."""

    container: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A blob as storage describes it.

    `md5` is base64, None where storage does not know it; `sha256` is hexadecimal, and noted in
    the metadata of what was uploaded here.
    """

    etag: str
    size: int
    md5: str | None
    sha256: str | None


@dataclass(slots=True)
class Digests:
    """What is computed of a source while it is read."""

    size: int = 0
    _md5: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))
    _sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def update(self, data: memoryview) -> None:
        self.size += len(data)
        self._md5.update(data)
        self._sha256.update(data)

    @property
    def md5(self) -> str:
        """In base64, as storage writes it."""
        return b64encode(self._md5.digest()).decode()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def fit(self, stored: Stored) -> bool:
        """Whether a blob holds just these bytes, by what storage says of it."""
        return (stored.size, stored.md5) == (self.size, self.md5)


class Transfer:
    """Moves bytes to one account; any number of threads may, over `at_once` connections."""

    def __init__(
        self,
        account: StorageAccount,
        links: Links,
        *,
        at_once: int = 8,
        patience: Patience = FOR_MINUTES,
        block: int | None = None,
    ) -> None:
        self._links = links
        self._wire = Wire(account.address, patience)
        usual = min(_LARGEST_BLOCK, max(_SMALLEST_BLOCK, _BUFFERED // at_once))
        self._buffers = Buffers(at_once, block or usual)
        self._senders = ThreadPoolExecutor(at_once, "block")
        self._lock = threading.Lock()
        self.bytes_sent = 0

    def look(self, place: Place) -> Stored:
        """What storage says of a blob; raises BlobMissing, StorageUnavailable."""
        answer = self._wire.send("HEAD", lambda: self._to_read(place))
        return _stored(answer, int(answer.headers["content-length"]))

    def digest(self, source: Source) -> Digests:
        """Reads a source to its end without sending anything."""
        digests = Digests()
        for buffer in self._blocks(source, self._buffers.size, digests):
            buffer.give_back()
        source.settle(digests)
        return digests

    def upload(
        self, place: Place, source: Source, content_type: str, progress: Progress
    ) -> tuple[Stored, Digests]:
        """Makes a blob of a source; one that holds the same bytes already is as good.

        Raises BlobExists where the blob holds others, StorageUnavailable, and whatever the
        source raises.
        """
        digests = Digests()
        try:
            stored = self._upload(place, source, content_type, progress, digests)
        except (BlobExists, BlobChanged):
            # Written by somebody else, or by ourselves: an answer may have been lost.
            stored = self.look(place)
        if not digests.fit(stored):
            raise BlobExists("There is a blob of that name already, with other contents.")
        return stored, digests

    def abort(self) -> None:
        """Lets everything that is under way fail at once."""
        self._wire.close()

    def close(self) -> None:
        self._senders.shutdown(cancel_futures=True)
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _upload(
        self,
        place: Place,
        source: Source,
        content_type: str,
        progress: Progress,
        digests: Digests,
    ) -> Stored:
        size = max(self._buffers.size, -(-(source.size or 0) // _MOST_BLOCKS))
        blocks = self._blocks(source, size, digests)
        first = next(blocks)
        if first.filled < size or first.filled == source.size:
            try:
                source.settle(digests)
                return self._put(place, first, content_type, progress, digests)
            finally:
                first.give_back()
        staging = self._staging(place, source.size, progress)
        staging.add(first)
        try:
            for block in blocks:
                staging.add(block)
                if staging.given_up:
                    break
            names = staging.names()
            source.settle(digests)
        except BaseException:
            staging.give_up()
            raise
        return self._commit(place, names, content_type, digests)

    def _blocks(self, source: Source, size: int, digests: Digests) -> Iterator[Buffer]:
        """The source in buffers, which the caller gives back; one at least, be it empty."""
        while True:
            buffer = self._buffers.take(size)
            try:
                buffer.filled = _fill(source, memoryview(buffer.memory)[:size])
                digests.update(buffer.data)
            except BaseException:
                buffer.give_back()
                raise
            last = buffer.filled < size or digests.size == source.size
            if buffer.filled or not digests.size:
                yield buffer
            else:
                buffer.give_back()
            if last:
                return

    def _put(
        self, place: Place, block: Buffer, content_type: str, progress: Progress, digests: Digests
    ) -> Stored:
        headers = {"x-ms-blob-type": "BlockBlob", "Content-MD5": digests.md5}
        headers |= _as_new(content_type, digests)
        answer = self._wire.send(
            "PUT", lambda: self._to_write(place), body=block.data, headers=headers
        )
        self._count(block.filled)
        progress(block.filled)
        # Storage has compared the MD5 before it stored anything, and tells it.
        return _stored(answer, block.filled)

    def _staging(self, place: Place, size: int | None, progress: Progress) -> Staging:
        there: Collection[str] = ()
        if size is None or size >= _WORTH_ASKING:
            there = staged_blocks(self._wire, lambda: self._to_read(place))

        def staged(size: int, sent: int) -> None:
            self._count(sent)
            progress(size)

        return Staging(self._wire, self._senders, lambda: self._to_write(place), there, staged)

    def _commit(
        self, place: Place, names: list[str], content_type: str, digests: Digests
    ) -> Stored:
        self._wire.send(
            "PUT",
            lambda: self._to_write(place),
            query="comp=blocklist",
            body=block_list(names),
            headers=_as_new(content_type, digests),
        )
        return self.look(place)

    def _count(self, sent: int) -> None:
        with self._lock:
            self.bytes_sent += sent

    def _to_read(self, place: Place) -> str:
        name = place.name
        return self._links.to_read(place.container, name, _LINK_LIFE, window=_NO_WINDOW).url

    def _to_write(self, place: Place) -> str:
        return self._links.to_upload(place.container, place.name, _LINK_LIFE).url


def _fill(source: Source, view: memoryview) -> int:
    filled = 0
    while filled < len(view) and (length := source.read_into(view[filled:])):
        filled += length
    return filled


def _as_new(content_type: str, digests: Digests) -> dict[str, str]:
    return {
        "If-None-Match": "*",
        "x-ms-blob-content-type": content_type,
        "x-ms-blob-content-md5": digests.md5,
        _SHA256: digests.sha256,
    }


def _stored(answer: Answer, size: int) -> Stored:
    return Stored(
        etag=answer.headers["etag"].strip('"'),
        size=size,
        md5=answer.headers.get("content-md5"),
        sha256=answer.headers.get(_SHA256),
    )
