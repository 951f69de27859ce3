"""Uploads and downloads of whole files: read once, sent in parallel, verified, resumable.

What fits into one block becomes a blob with one request, whose MD5 storage compares before it
stores anything. A longer source is staged in blocks and appears with the last request, as a
whole or not at all. No blob is ever overwritten.
"""

import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Self

from shared.errors import BlobChanged, BlobExists
from shared.storage.files.buffers import Buffer, Buffers
from shared.storage.files.download import download
from shared.storage.files.staging import Staging, block_list, staged_blocks
from shared.storage.files.stored import CountArrived, Digests, Place, Stored, TransferSource
from shared.storage.rest import RETRY_FOR_MINUTES, RestClient, RestResponse, RetryPolicy
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.signed_links import Links

_BUFFERED = 64 * 1024 * 1024
_LARGEST_BLOCK = 8 * 1024 * 1024
_SMALLEST_BLOCK = 1024 * 1024
# https://learn.microsoft.com/rest/api/storageservices/put-block-list
_MAX_BLOCKS = 50_000
# Every request has a link of its own, which need not outlive a slow one.
_LINK_LIFE = timedelta(hours=1)
_NO_WINDOW = timedelta(0)
_SHA256 = "x-ms-meta-sha256"
# From this size on it is worth asking for the blocks that an earlier run has staged.
_WORTH_ASKING = 32 * 1024 * 1024


class Transfer:
    """Moves bytes to one account; any number of threads may, over `at_once` connections."""

    def __init__(
        self,
        account: StorageAccount,
        links: Links,
        *,
        at_once: int = 8,
        retry_policy: RetryPolicy = RETRY_FOR_MINUTES,
        block: int | None = None,
    ) -> None:
        self._links = links
        self._rest = RestClient(account.address, retry_policy)
        usual = min(_LARGEST_BLOCK, max(_SMALLEST_BLOCK, _BUFFERED // at_once))
        self._buffers = Buffers(at_once, block or usual)
        self._senders = ThreadPoolExecutor(at_once, "block")
        self._lock = threading.Lock()
        self.bytes_sent = 0

    def look(self, place: Place) -> Stored:
        """What storage says of a blob; raises BlobMissing, StorageUnavailable."""
        response = self._rest.send("HEAD", lambda: self._to_read(place))
        return _stored(response, int(response.headers["content-length"]))

    def digest(self, source: TransferSource) -> Digests:
        """Reads a source to its end without sending anything."""
        digests = Digests()
        for buffer in self._blocks(source, self._buffers.size, digests):
            buffer.give_back()
        source.verify(digests)
        return digests

    def upload(
        self, place: Place, source: TransferSource, content_type: str, progress: CountArrived
    ) -> tuple[Stored, Digests]:
        """Makes a blob of a source; an existing blob with the same bytes is kept.

        Raises BlobExists if the blob holds other bytes, StorageUnavailable, and any exception of
        the source.
        """
        digests = Digests()
        try:
            stored = self._upload(place, source, content_type, progress, digests)
        except (BlobExists, BlobChanged):
            # By another client, or by this one: an answer may have been lost.
            stored = self.look(place)
        if not digests.fit(stored):
            raise BlobExists("A blob of that name with other contents exists already.")
        return stored, digests

    def download(self, place: Place, target: Path, progress: CountArrived) -> Stored:
        """Makes a file of a blob, whole and verified; an existing equal file is kept.

        Raises BlobMissing, BlobChanged if it is overwritten meanwhile, BlobArchived,
        StorageUnavailable, OSError.
        """
        stored = self.look(place)
        same_version = {"If-Match": f'"{stored.etag}"'}

        def read(start: int, length: int) -> bytes:
            part = {"Range": f"bytes={start}-{start + length - 1}"}
            headers = same_version | part
            return self._rest.send("GET", lambda: self._to_read(place), headers=headers).body

        download(stored, read, self._buffers.size, target, self._senders, progress)
        return stored

    def abort(self) -> None:
        """Ends everything that is under way; it fails at once."""
        self._rest.close()

    def close(self) -> None:
        self._senders.shutdown(cancel_futures=True)
        self._rest.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _upload(
        self,
        place: Place,
        source: TransferSource,
        content_type: str,
        progress: CountArrived,
        digests: Digests,
    ) -> Stored:
        size = max(self._buffers.size, -(-(source.size or 0) // _MAX_BLOCKS))
        blocks = self._blocks(source, size, digests)
        first = next(blocks)
        if first.filled < size or first.filled == source.size:
            try:
                source.verify(digests)
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
            source.verify(digests)
        except BaseException:
            staging.give_up()
            raise
        return self._commit(place, names, content_type, digests)

    def _blocks(self, source: TransferSource, size: int, digests: Digests) -> Iterator[Buffer]:
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
        self,
        place: Place,
        block: Buffer,
        content_type: str,
        progress: CountArrived,
        digests: Digests,
    ) -> Stored:
        headers = {"x-ms-blob-type": "BlockBlob", "Content-MD5": digests.md5}
        headers |= _as_new(content_type, digests)
        response = self._rest.send(
            "PUT", lambda: self._to_write(place), body=block.data, headers=headers
        )
        self._count(block.filled)
        progress(block.filled)
        # Storage has compared the MD5 before it stored anything, and returns it.
        return _stored(response, block.filled)

    def _staging(self, place: Place, size: int | None, progress: CountArrived) -> Staging:
        already_staged: Collection[str] = ()
        if size is None or size >= _WORTH_ASKING:
            already_staged = staged_blocks(self._rest, lambda: self._to_read(place))

        def staged(size: int, sent: int) -> None:
            self._count(sent)
            progress(size)

        return Staging(
            self._rest, self._senders, lambda: self._to_write(place), already_staged, staged
        )

    def _commit(
        self, place: Place, names: list[str], content_type: str, digests: Digests
    ) -> Stored:
        self._rest.send(
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


def _fill(source: TransferSource, view: memoryview) -> int:
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


def _stored(response: RestResponse, size: int) -> Stored:
    return Stored(
        etag=response.headers["etag"].strip('"'),
        size=size,
        md5=response.headers.get("content-md5"),
        sha256=response.headers.get(_SHA256),
    )
