"""The types of a transfer: its source, the place of its blob, and the digests of its bytes."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

# Is called with the number of bytes that have newly arrived in storage.
type CountArrived = Callable[[int], object]


class TransferSource(Protocol):
    """Bytes in order. `size` is None where it is unknown before the end."""

    @property
    def size(self) -> int | None: ...

    def read_into(self, view: memoryview) -> int:
        """Fills the view from its start and returns the number of bytes; 0 at the end."""

    def verify(self, digests: "Digests") -> None:
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
