"""Stages the blocks of a blob in parallel, each named by its contents.

The name of a block is its number and its MD5, which storage compares with what arrives. So blocks
that an interrupted run has staged are recognized, and not sent again.
https://learn.microsoft.com/rest/api/storageservices/put-block
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future
from urllib.parse import quote

from shared.errors import BlobMissing
from shared.storage.files.buffers import Buffer
from shared.storage.rest import RestClient

_NAME = re.compile(rb"<Name>([^<]+)</Name>")
_NUMBER_BYTES = 4

type Link = Callable[[], str]


def staged_blocks(rest: RestClient, to_read: Link) -> Collection[str]:
    """The names of the blocks that wait for a blob to be made of them."""
    try:
        response = rest.send("GET", to_read, query="comp=blocklist&blocklisttype=uncommitted")
    except BlobMissing:
        return frozenset()
    return frozenset(name.decode() for name in _NAME.findall(response.body))


class Staging:
    """Stages blocks in the order in which they are added.

    `sent` is called with the size of a staged block, and how many bytes of it had to be sent.
    """

    def __init__(
        self,
        rest: RestClient,
        senders: Executor,
        to_write: Link,
        already_staged: Collection[str],
        sent: Callable[[int, int], object],
    ) -> None:
        self._rest = rest
        self._senders = senders
        self._to_write = to_write
        self._already_staged = already_staged
        self._sent = sent
        self._blocks: list[Future[str]] = []
        self.given_up = False

    def add(self, buffer: Buffer) -> None:
        """Sends a block in the background; the buffer is given back when that is done."""
        self._blocks.append(self._senders.submit(self._stage, len(self._blocks), buffer))

    def give_up(self) -> None:
        """Does not send the blocks that still wait."""
        self.given_up = True

    def names(self) -> list[str]:
        """Waits for all blocks; raises what went wrong with the first that did."""
        return [block.result() for block in self._blocks]

    def _stage(self, number: int, buffer: Buffer) -> str:
        try:
            return "" if self.given_up else self._send(number, buffer)
        except BaseException:
            self.given_up = True  # the others are of no use any more
            raise
        finally:
            buffer.give_back()

    def _send(self, number: int, buffer: Buffer) -> str:
        md5 = hashlib.md5(buffer.data, usedforsecurity=False).digest()
        name = b64encode(number.to_bytes(_NUMBER_BYTES) + md5).decode()
        new = name not in self._already_staged
        if new:
            self._rest.send(
                "PUT",
                self._to_write,
                query=f"comp=block&blockid={quote(name, safe='')}",
                body=buffer.data,
                headers={"Content-MD5": b64encode(md5).decode()},
            )
        self._sent(buffer.filled, buffer.filled if new else 0)
        return name


def block_list(names: list[str]) -> memoryview:
    """What makes a blob of staged blocks."""
    entries = "".join(f"<Latest>{name}</Latest>" for name in names)
    return memoryview(
        f'<?xml version="1.0" encoding="utf-8"?><BlockList>{entries}</BlockList>'.encode()
    )
