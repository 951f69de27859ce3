"""Signs links to single blobs: shared access signatures (SAS), byte for byte as the SDK's.

Pure, and without the SDK: a page of a thousand clips has a thousand links, and an instance that
only makes links need not load it. tests/unit/test_sas.py compares it with the SDK.
https://learn.microsoft.com/rest/api/storageservices/create-service-sas
https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
"""

import hashlib
import hmac
from base64 import b64decode
from binascii import b2a_base64
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

# The service version whose rules the signatures follow: the client's own.
VERSION = "2026-10-06"

READ = "r"
CREATE_OR_OVERWRITE = "cw"
_LIST = "l"

# RFC 9562, version 8: a custom UUID. The bits for version and variant.
_UUID_MARK = 0x8 << 76 | 0b10 << 62
_UUID_FREE = ~(0xF << 76 | 0b11 << 62)


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationKey:
    """A user-delegation key with the field names of the service; `value` is base64 and secret."""

    oid: str
    tid: str
    start: str
    expiry: str
    service: str
    version: str
    value: str


@dataclass(frozen=True, slots=True)
class LinkPeriod:
    """Start and end of a link; whole seconds, UTC."""

    starts_at: datetime
    expires_at: datetime


class Signer:
    """One key of one account, prepared to sign with.

    `protocol` is the protocol of links. Without `carries_id` a SAS does not name itself.
    """

    def __init__(
        self, account: str, key: str | DelegationKey, protocol: str, *, carries_id: bool = True
    ) -> None:
        self.resource = f"/blob/{account}/"
        self.protocol = protocol
        self.carries_id = carries_id
        self.delegated = isinstance(key, DelegationKey)
        if isinstance(key, DelegationKey):
            self.key_lines, self.key_query = _key_parts(key)
            secret = key.value
        else:
            self.key_lines, self.key_query = "", ""
            secret = key
        # Keyed once and copied for each link: two thirds of the time of hmac.digest.
        self._keyed = hmac.new(b64decode(secret), digestmod="sha256")

    def signature(self, text: str) -> str:
        """The signature of a text in base64, encoded for a URL."""
        keyed = self._keyed.copy()
        keyed.update(text.encode())
        signature = b2a_base64(keyed.digest(), newline=False).decode()
        return signature.replace("+", "%2B").replace("=", "%3D")


class Draft:
    """A SAS without the blob's name: the part that many links share, prepared once.

    `ip` is an address or a range "a-b"; `cache_control` and `content_type` are what storage is
    to answer with in place of the blob's own.
    """

    def __init__(
        self,
        signer: Signer,
        container: str,
        permission: str,
        period: LinkPeriod,
        *,
        ip: str | None = None,
        cache_control: str | None = None,
        content_type: str | None = None,
    ) -> None:
        self.period = period
        self._signer = signer
        start, expiry = _moment(period.starts_at), _moment(period.expires_at)
        self._what = f"{permission}\n{start}\n{expiry}\n{signer.resource}{container}/"
        # After the version: the kind of resource, no snapshot, no encryption scope. A delegated
        # signature also lists the headers and parameters that a request must have: none.
        self._how = (
            f"{ip or ''}\n{signer.protocol}\n{VERSION}\nb\n\n\n"
            + ("\n\n" if signer.delegated else "")
            + f"{cache_control or ''}\n"
        )
        self._how_end = f"\n\n\n{content_type or ''}"
        self._query = (
            f"st={quote(start)}&se={quote(expiry)}&sp={permission}{_part('sip', ip)}"
            f"&spr={quote(signer.protocol)}&sv={VERSION}&sr=b{_part('rscc', cache_control)}"
        )
        self._query_end = _part("rsct", content_type)

    def sign(self, name: str, disposition: str | None = None) -> tuple[UUID, str]:
        """The id and the query of a link to the blob of that name.

        The id is computed from the link's contents, so it is the same on every instance.
        `disposition` is the Content-Disposition that storage is to answer with.
        """
        signer = self._signer
        what = f"{self._what}{name}\n"
        how = f"{self._how}{disposition or ''}{self._how_end}"
        link_id = _id_of(what + how)
        carried = str(link_id) if signer.carries_id else ""
        # The account's own key does not cover the id: only a delegated SAS has a place for it.
        between = f"{signer.key_lines}{carried}\n\n\n" if signer.delegated else "\n"
        query = (
            f"{self._query}{_part('rscd', disposition)}{self._query_end}"
            f"{f'&scid={carried}' if carried else ''}{signer.key_query}"
            f"&sig={signer.signature(what + between + how)}"
        )
        return link_id, query


def listing_query(signer: Signer, container: str, period: LinkPeriod) -> str:
    """The query of a link that lists the blobs of a container, and opens none of them."""
    start, expiry = _moment(period.starts_at), _moment(period.expires_at)
    what = f"{_LIST}\n{start}\n{expiry}\n{signer.resource}{container}\n"
    # The account's own key signs no identifier; a delegated one signs lines about itself, no id,
    # and no headers and parameters that a request must have.
    between, required = (f"{signer.key_lines}\n\n\n", "\n\n") if signer.delegated else ("\n", "")
    how = f"\n{signer.protocol}\n{VERSION}\nc\n\n\n{required}\n\n\n\n"
    return (
        f"st={quote(start)}&se={quote(expiry)}&sp={_LIST}&spr={quote(signer.protocol)}"
        f"&sv={VERSION}&sr=c{signer.key_query}&sig={signer.signature(what + between + how)}"
    )


def blob_path(container: str, name: str) -> str:
    """The path of a blob below its account's address, encoded for a URL."""
    return f"{quote(container)}/{quoted_name(name)}"


def quoted_name(name: str) -> str:
    """A blob's name as the client writes it into a URL."""
    return quote(name, safe="~/")


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


def _part(name: str, value: str | None) -> str:
    return f"&{name}={quote(value)}" if value else ""
