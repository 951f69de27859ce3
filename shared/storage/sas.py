"""Signs links to single blobs: shared access signatures (SAS), byte for byte as the vendor's.

Pure, and without the vendor's client: a page of a thousand clips has a thousand links, and an
instance that only makes links need not load it. tests/unit/test_sas.py holds it to the client.
https://learn.microsoft.com/rest/api/storageservices/create-service-sas
https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
"""

import hashlib
import hmac
from base64 import b64decode
from binascii import b2a_base64
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Self
from urllib.parse import quote
from uuid import UUID

VERSION = "2026-10-06"
"""The service version whose rules the signatures follow: the client's own."""

READ = "r"
CREATE_OR_OVERWRITE = "cw"

# RFC 9562, version 8: a UUID of one's own making. The bits for version and variant.
_UUID_MARK = 0x8 << 76 | 0b10 << 62
_UUID_FREE = ~(0xF << 76 | 0b11 << 62)


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationKey:
    """A user-delegation key in the words of the service; `value` is base64 and secret."""

    oid: str
    tid: str
    start: str
    expiry: str
    service: str
    version: str
    value: str


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when a link works, also as a SAS writes it; whole seconds, UTC."""

    starts_at: datetime
    expires_at: datetime
    start: str
    expiry: str

    @classmethod
    def between(cls, starts_at: datetime, expires_at: datetime) -> Self:
        return cls(starts_at, expires_at, _moment(starts_at), _moment(expires_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """What storage is to send as headers of its answer, in place of the blob's own."""

    cache_control: str | None = None
    content_disposition: str | None = None
    content_type: str | None = None


NO_HEADERS = Headers()


class Signer:
    """Signs with one key of one account; what does not change is prepared once.

    `protocol` is what links may be used over. Without `carries_id` a SAS does not name itself.
    """

    def __init__(
        self, account: str, key: str | DelegationKey, protocol: str, *, carries_id: bool = True
    ) -> None:
        self._carries_id = carries_id
        self._delegated = isinstance(key, DelegationKey)
        if isinstance(key, DelegationKey):
            self._key_lines, self._key_query = _key_parts(key)
            secret = key.value
        else:
            self._key_lines, self._key_query = "", ""
            secret = key
        # Keyed once and copied for each link: two thirds of the time of hmac.digest.
        self._hmac = hmac.new(b64decode(secret), digestmod="sha256")
        self._resource = f"/blob/{account}/"
        # Protocol, version, kind of resource; no snapshot, no encryption scope. A delegated
        # signature also lists headers and parameters that a request must have: none.
        self._constant = f"{protocol}\n{VERSION}\nb\n\n\n" + ("\n\n" if self._delegated else "")
        self._constant_query = f"&spr={quote(protocol)}&sv={VERSION}&sr=b"

    def sign(
        self,
        path: str,
        permission: str,
        span: Span,
        *,
        ip: str | None = None,
        headers: Headers = NO_HEADERS,
    ) -> tuple[UUID, str]:
        """The id and the query of a link to the blob at `path`, which is container/name.

        The id is made of what the link says: the same link has the same id, whoever makes it.
        """
        what = f"{permission}\n{span.start}\n{span.expiry}\n{self._resource}{path}\n"
        how = (
            f"{ip or ''}\n{self._constant}{headers.cache_control or ''}\n"
            f"{headers.content_disposition or ''}\n\n\n{headers.content_type or ''}"
        )
        link_id = _id_of(what + how)
        carried = str(link_id) if self._carries_id else ""
        # The account's own key does not cover the id: only a delegated SAS has a place for it.
        between = f"{self._key_lines}{carried}\n\n\n" if self._delegated else "\n"
        query = (
            f"st={_quoted(span.start)}&se={_quoted(span.expiry)}&sp={permission}"
            f"{f'&sip={_quoted(ip)}' if ip else ''}{self._constant_query}{_header_query(headers)}"
            f"{f'&scid={carried}' if carried else ''}{self._key_query}"
            f"&sig={self._signature(what + between + how)}"
        )
        return link_id, query

    def _signature(self, text: str) -> str:
        keyed = self._hmac.copy()
        keyed.update(text.encode())
        signature = b2a_base64(keyed.digest(), newline=False).decode()
        return signature.replace("+", "%2B").replace("=", "%3D")


def blob_path(container: str, name: str) -> str:
    """Where a blob lies below its account's address, as it stands in a URL."""
    return f"{_quoted(container)}/{quote(name, safe='~/')}"


def _moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def _key_parts(key: DelegationKey) -> tuple[str, str]:
    """The lines of a delegation key, up to the link's id, and its part of the query."""
    fields = {
        "skoid": key.oid,
        "sktid": key.tid,
        "skt": key.start,
        "ske": key.expiry,
        "sks": key.service,
        "skv": key.version,
    }
    lines = "".join(f"{value}\n" for value in fields.values())
    query = "".join(f"&{name}={quote(value)}" for name, value in fields.items())
    return f"{lines}\n\n", query  # no agent's id is signed, authorized or not


def _id_of(text: str) -> UUID:
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return UUID(int=int.from_bytes(digest) & _UUID_FREE | _UUID_MARK)


def _header_query(headers: Headers) -> str:
    parts = ""
    if headers.cache_control:
        parts = f"&rscc={_quoted(headers.cache_control)}"
    if headers.content_disposition:
        parts += f"&rscd={quote(headers.content_disposition)}"
    if headers.content_type:
        parts += f"&rsct={_quoted(headers.content_type)}"
    return parts


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    """For what comes again and again: moments, types, containers."""
    return quote(text)
