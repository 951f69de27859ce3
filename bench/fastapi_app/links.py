"""Links to blobs, signed by the storage library."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from azure.storage.blob import BlobSasPermissions, BlobServiceClient, generate_blob_sas


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    expires_at: datetime


class Links:
    def __init__(self, connection_string: str, container_prefix: str) -> None:
        client = BlobServiceClient.from_connection_string(connection_string)
        self._account = client.account_name
        self._key = client.credential.account_key
        self._endpoint = client.primary_endpoint.rstrip("/")
        self._prefix = container_prefix

    def clip(self, blob_name: str, content_type: str | None, hours: int) -> Link:
        return self._sign(f"{self._prefix}-clips", blob_name, content_type, hours)

    def poster(self, blob_name: str | None) -> str | None:
        if blob_name is None:
            return None
        return self._sign(f"{self._prefix}-thumbnails", blob_name, None, 24).url

    def _sign(self, container: str, name: str, content_type: str | None, hours: int) -> Link:
        now = datetime.now(UTC)
        expires_at = now + timedelta(hours=hours)
        sas = generate_blob_sas(
            self._account or "",
            container,
            name,
            account_key=self._key,
            permission=BlobSasPermissions(read=True),
            start=now - timedelta(minutes=5),
            expiry=expires_at,
            content_type=content_type,
        )
        return Link(f"{self._endpoint}/{container}/{quote(name)}?{sas}", expires_at)
