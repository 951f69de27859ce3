"""Composes blobs in storage: of blocks that are sent, and of ranges of other blobs.

Ranges are copied by storage itself (Put Block From URL): their bytes do not pass through here.
https://learn.microsoft.com/rest/api/storageservices/put-block-from-url

Nothing appears before the last request. Blocks that no request makes a blob of are dropped by
storage: at once when another draft of the same blob is committed, otherwise a week after the last
of them. https://learn.microsoft.com/rest/api/storageservices/put-block-list
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from typing import Self
from urllib.parse import quote

from shared.errors import BlobChanged, StorageUnavailable
from shared.storage.files.staging import block_list
from shared.storage.files.stored import Place
from shared.storage.rest import RestClient, RetryPolicy
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.signed_links import Links
from shared.telemetry import with_current_context

# Storage copies up to 100 MiB into a block by all versions of its API.
LARGEST_COPY = 100 * 1024 * 1024
_AT_ONCE = 4
_LINK_LIFE = timedelta(hours=1)
_NO_WINDOW = timedelta(0)


@dataclass(frozen=True, slots=True)
class SourceRange:
    """A part of one version of a blob: nothing is copied once the blob has another ETag."""

    place: Place
    etag: str
    offset: int
    length: int


class Composer:
    """Puts blobs together; any number of threads may use it, for different drafts."""

    def __init__(self, account: StorageAccount, links: Links, retry_policy: RetryPolicy) -> None:
        self._links = links
        self._rest = RestClient(account.address, retry_policy)
        self._copies = ThreadPoolExecutor(_AT_ONCE, "copy")

    def draft(self, place: Place, check: Callable[[], None] = lambda: None) -> "BlobDraft":
        """A new version of the blob at `place`.

        `check` is called for every block, and may raise to end the work.
        """
        return BlobDraft(self._rest, self._links, self._copies, place, check)

    def close(self) -> None:
        self._copies.shutdown(cancel_futures=True)
        self._rest.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BlobDraft:
    """The blocks of one version of a blob, until they are committed.

    Their names are of this draft alone: two workers that write the same blob at the same time
    never mix their blocks. The one that commits last fails, because storage has dropped its blocks.
    """

    def __init__(
        self,
        rest: RestClient,
        links: Links,
        copies: ThreadPoolExecutor,
        place: Place,
        check: Callable[[], None],
    ) -> None:
        self._rest = rest
        self._links = links
        self._copies = copies
        self._place = place
        self._check = check
        self._token = token_hex(4)
        self._beginning: str | None = None
        self._names: list[str] = []
        self._held: bytes | None = None

    def hold(self, data: bytes) -> None:
        """Keeps all of a small blob here: committing it is its only request."""
        self._held = data

    def add(self, data: bytes) -> None:
        """Sends the next block; raises StorageUnavailable."""
        self._check()
        self._stage(self._next_name(), data)

    def copy(self, ranges: Sequence[SourceRange], beginning: bytes | None = None) -> None:
        """Lets storage copy ranges into the next blocks.

        `beginning` is staged meanwhile, as `begin` does. Raises BlobChanged if the source was
        overwritten, BlobMissing, BlobArchived, StorageUnavailable.
        """
        pieces = [piece for part in ranges for piece in _pieces(part)]
        copies = [
            self._copies.submit(with_current_context(self._copy), self._next_name(), piece)
            for piece in pieces
        ]
        try:
            if beginning is not None:
                self.begin(beginning)
            for done in copies:
                self._check()
                done.result()
        finally:
            for left in copies:
                left.cancel()

    def begin(self, data: bytes) -> None:
        """Stages what comes before all other blocks; raises StorageUnavailable."""
        self._check()
        self._beginning = self._name(0)
        self._stage(self._beginning, data)

    def commit(self, content_type: str) -> str:
        """Makes the blob of its beginning and the blocks behind it, and returns its ETag.

        It replaces an existing blob. Raises StorageUnavailable, also where another draft of the
        same blob was committed meanwhile.
        """
        self._check()
        headers = {"x-ms-blob-content-type": content_type}
        if self._held is not None:
            headers |= {"x-ms-blob-type": "BlockBlob", "Content-MD5": _md5(self._held)}
            query, body = "", memoryview(self._held)
        else:
            names = [self._beginning, *self._names] if self._beginning else self._names
            query, body = "comp=blocklist", block_list(names)
        try:
            response = self._rest.send(
                "PUT", self._to_write, query=query, body=body, headers=headers
            )
        except BlobChanged as error:
            raise StorageUnavailable(
                "Another request wrote the same blob during the call."
            ) from error
        return response.headers["etag"].strip('"')

    def _stage(self, name: str, data: bytes) -> None:
        self._rest.send("PUT", self._to_write, query=_block(name), body=memoryview(data))

    def _copy(self, name: str, piece: SourceRange) -> None:
        source = piece.place
        self._rest.send(
            "PUT",
            self._to_write,
            query=_block(name),
            body=memoryview(b""),
            headers={
                "x-ms-copy-source": self._links.to_read(
                    source.container, source.name, _LINK_LIFE, window=_NO_WINDOW
                ).url,
                "x-ms-source-range": f"bytes={piece.offset}-{piece.offset + piece.length - 1}",
                "x-ms-source-if-match": f'"{piece.etag}"',
            },
        )

    def _to_write(self) -> str:
        return self._links.to_upload(self._place.container, self._place.name, _LINK_LIFE).url

    def _next_name(self) -> str:
        self._names.append(self._name(len(self._names) + 1))
        return self._names[-1]

    def _name(self, number: int) -> str:
        return b64encode(f"{self._token}{number:08}".encode()).decode()


def _block(name: str) -> str:
    return f"comp=block&blockid={quote(name, safe='')}"


def _md5(data: bytes) -> str:
    """In base64: storage compares it, and stores nothing that was damaged on its way."""
    return b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _pieces(part: SourceRange) -> list[SourceRange]:
    """The range in parts that one request may copy."""
    starts = range(0, part.length, LARGEST_COPY)
    return [
        SourceRange(
            part.place, part.etag, part.offset + start, min(LARGEST_COPY, part.length - start)
        )
        for start in starts
    ]
