"""Users, their roles, and on whose behalf data is read."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a token can allow its bearer beyond their own videos and clips."""

    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class User:
    """The subject of a valid token. `id` is the catalogue's, `subject` the issuer's."""

    id: UUID
    subject: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class RetryKey:
    """A caller's Idempotency-Key; `fingerprint` is the SHA-256 of the request that it names."""

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Viewer:
    """On whose behalf the catalogue is read or changed; `as_admin` sees the data of all users."""

    user_id: UUID
    as_admin: bool = False
