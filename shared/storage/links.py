"""Time-limited links to single blobs: shared access signatures (SAS).

A link opens one blob, for one purpose, until a moment; https only, except on loopback.
https://learn.microsoft.com/rest/api/storageservices/create-service-sas
"""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlsplit

from azure.storage.blob import BlobSasPermissions, generate_blob_sas

from shared.clock import Clock
from shared.model import SignedLink
from shared.storage.account import StorageAccount

# The account's clock may be a little behind ours.
_CLOCK_SKEW = timedelta(minutes=5)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTerms:
    """What a read link is bound to besides blob and time.

    `ip` is an address or a range "a-b"; `download_as` makes browsers save under that name.
    """

    ip: str | None = None
    download_as: str | None = None
    content_type: str | None = None


class Links:
    def __init__(self, account: StorageAccount, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        host = urlsplit(account.address).hostname
        self._protocol = "https,http" if host in _LOOPBACK else "https"

    def to_read(
        self, container: str, name: str, life: timedelta, terms: LinkTerms = LinkTerms()
    ) -> SignedLink:
        """A link that reads the blob; raises StorageUnavailable."""
        return self._signed(container, name, BlobSasPermissions(read=True), life, terms)

    def to_upload(self, container: str, name: str, life: timedelta) -> SignedLink:
        """A link that can create or overwrite this blob and do nothing else."""
        permissions = BlobSasPermissions(create=True, write=True)
        return self._signed(container, name, permissions, life, LinkTerms())

    def _signed(
        self,
        container: str,
        name: str,
        permissions: BlobSasPermissions,
        life: timedelta,
        terms: LinkTerms,
    ) -> SignedLink:
        now = self._clock().replace(microsecond=0)
        expires_at = now + life
        key = self._account.signing_key(expires_at)
        if key.expires_at is not None:
            expires_at = min(expires_at, key.expires_at.replace(microsecond=0))
        token = generate_blob_sas(
            self._account.name,
            container,
            name,
            account_key=key.account_key,
            user_delegation_key=key.delegation_key,
            permission=permissions,
            start=now - _CLOCK_SKEW,
            expiry=expires_at,
            ip=terms.ip,
            protocol=self._protocol,
            content_disposition=_attachment(terms.download_as),
            content_type=terms.content_type,
        )
        return SignedLink(f"{self._account.url(container, name)}?{token}", expires_at)


def _attachment(filename: str | None) -> str | None:
    """Content-Disposition with a file name in any language: RFC 6266, RFC 8187."""
    if filename is None:
        return None
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in filename
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
