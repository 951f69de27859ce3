"""Single blobs through the REST API: their properties, ranges of them, and writing small ones."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus

from shared.errors import StorageUnavailable
from shared.model.blob import Blob, rehydrating_at
from shared.storage.http_dates import moment_of
from shared.storage.rest import RestResponse
from shared.storage.sdk.account import StorageAccount
from shared.storage.signed_requests import SignedRequests, SignedUrl
from shared.storage.signing.sas import (
    CREATE_OR_OVERWRITE,
    READ,
    Draft,
    LinkPeriod,
    Signer,
    blob_path,
)

# For how long browsers may keep what is written here, which are images.
_CACHE_CONTROL = "private, max-age=3600"
_ANY_VERSION = "*"


class BlobRequests:
    """Requests for the blobs of one account; threads may share it. All raise StorageUnavailable."""

    def __init__(self, account: StorageAccount) -> None:
        self._account = account
        self._requests = SignedRequests(account)

    def properties(self, container: str, name: str) -> Blob:
        """Raises BlobMissing."""
        response = self._requests.send("get", "HEAD", self._url(container, name, READ))
        return _blob(name, _expected(response, HTTPStatus.OK))

    def read(self, container: str, name: str, etag: str, offset: int, length: int) -> bytes:
        """The bytes of a range that lies within the blob, which must be the version `etag`.

        Raises BlobMissing, BlobChanged, BlobArchived.
        """
        headers = {"If-Match": f'"{etag}"', "Range": f"bytes={offset}-{offset + length - 1}"}
        url = self._url(container, name, READ)
        response = self._requests.send("read", "GET", url, headers=headers)
        return _expected(response, HTTPStatus.PARTIAL_CONTENT).body

    def put(
        self,
        container: str,
        name: str,
        data: bytes,
        content_type: str,
        *,
        replace: bool,
        metadata: Mapping[str, str],
        only_version: str | None,
    ) -> None:
        """Writes a blob in one request, whose MD5 storage computes; see `Blobs.put`."""
        headers = {
            "x-ms-blob-type": "BlockBlob",
            "x-ms-blob-content-type": content_type,
            "x-ms-blob-cache-control": _CACHE_CONTROL,
        }
        headers |= {f"x-ms-meta-{key}": value for key, value in metadata.items()}
        if only_version is not None:
            headers["If-Match"] = f'"{only_version}"'
        elif not replace:
            headers["If-None-Match"] = _ANY_VERSION
        url = self._url(container, name, CREATE_OR_OVERWRITE)
        response = self._requests.send("put", "PUT", url, body=data, headers=headers)
        _expected(response, HTTPStatus.CREATED)

    def _url(self, container: str, name: str, permission: str) -> SignedUrl:
        return partial(_signed_url, self._account.address, container, name, permission)


def _signed_url(
    address: str, container: str, name: str, permission: str, signer: Signer, period: LinkPeriod
) -> str:
    _, query = Draft(signer, container, permission, period).sign(name)
    return f"{address}/{blob_path(container, name)}?{query}"


def _expected(response: RestResponse, status: HTTPStatus) -> RestResponse:
    """Raises StorageUnavailable for an answer that is not of storage, as a proxy's page is."""
    if response.status != status:
        raise StorageUnavailable("The storage account does not respond correctly.")
    return response


def _blob(name: str, response: RestResponse) -> Blob:
    headers = response.headers
    try:
        return Blob(
            name=name,
            etag=headers["etag"].strip('"'),
            size=int(headers["content-length"]),
            last_modified=moment_of(headers["last-modified"]),
            content_type=headers.get("content-type") or None,
            content_md5=headers.get("content-md5") or None,
            access_tier=headers.get("x-ms-access-tier") or None,
            rehydrating=rehydrating_at(
                headers.get("x-ms-archive-status"), headers.get("x-ms-rehydrate-priority")
            ),
            copy_status=headers.get("x-ms-copy-status") or None,
            metadata=response.metadata,
        )
    except (KeyError, ValueError) as error:
        raise StorageUnavailable("The storage account does not respond correctly.") from error
