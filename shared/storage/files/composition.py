"""Blobs that are put together in storage: blocks that are sent, and ranges of other blobs.

Ranges are copied by storage itself (Put Block From URL): their bytes do not pass through here.
Nothing appears before the last request; what was staged until then is dropped by storage within
a week. https://learn.microsoft.com/rest/api/storageservices/put-block-from-url
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from urllib.parse import quote

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
    """Puts blobs together; any number of threads may use it, for different blobs."""

    def __init__(self, account: StorageAccount, links: Links, retry_policy: RetryPolicy) -> None:
        self._links = links
        self._rest = RestClient(account.address, retry_policy)
        self._copies = ThreadPoolExecutor(_AT_ONCE, "copy")

    def stage(self, place: Place, number: int, data: bytes) -> str:
        """Sends a block and returns its name; raises StorageUnavailable."""
        name = _name(number)
        self._rest.send(
            "PUT", lambda: self._to_write(place), query=_block(name), body=memoryview(data)
        )
        return name

    def copy(self, place: Place, number: int, ranges: Sequence[SourceRange]) -> list[str]:
        """Lets storage copy ranges into blocks that are numbered from `number` on.

        Raises BlobChanged if the source was overwritten, BlobMissing, BlobArchived,
        StorageUnavailable.
        """
        pieces = [piece for part in ranges for piece in _pieces(part)]
        copies = [
            self._copies.submit(with_current_context(self._copy), place, at, piece)
            for at, piece in enumerate(pieces, number)
        ]
        return [copy.result() for copy in copies]

    def commit(
        self,
        place: Place,
        names: Sequence[str],
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Makes the blob of its blocks, replacing an existing one, and returns its ETag."""
        headers = {"x-ms-blob-content-type": content_type}
        headers |= {f"x-ms-meta-{key}": value for key, value in (metadata or {}).items()}
        response = self._rest.send(
            "PUT",
            lambda: self._to_write(place),
            query="comp=blocklist",
            body=block_list(list(names)),
            headers=headers,
        )
        return response.headers["etag"].strip('"')

    def close(self) -> None:
        self._copies.shutdown(cancel_futures=True)
        self._rest.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _copy(self, place: Place, number: int, piece: SourceRange) -> str:
        name = _name(number)
        source = piece.place
        self._rest.send(
            "PUT",
            lambda: self._to_write(place),
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
        return name

    def _to_write(self, place: Place) -> str:
        return self._links.to_upload(place.container, place.name, _LINK_LIFE).url


def _name(number: int) -> str:
    return b64encode(f"{number:08}".encode()).decode()


def _block(name: str) -> str:
    return f"comp=block&blockid={quote(name, safe='')}"


def _pieces(part: SourceRange) -> list[SourceRange]:
    """The range in parts that one request may copy."""
    starts = range(0, part.length, LARGEST_COPY)
    return [
        SourceRange(
            part.place, part.etag, part.offset + start, min(LARGEST_COPY, part.length - start)
        )
        for start in starts
    ]
