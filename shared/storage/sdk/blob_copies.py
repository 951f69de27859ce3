"""Copies of blobs within the account, and deletions of single versions.

Each call is for one version of a blob, its ETag: a blob that was overwritten meanwhile is neither
copied nor deleted. Storage copies by itself, so no bytes pass through here.
https://learn.microsoft.com/rest/api/storageservices/copy-blob
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

from shared.errors import BlobChanged, BlobMissing, CliplinkError, StorageUnavailable
from shared.model.blob import Blob
from shared.storage.files.stored import Place
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.azure_errors import azure_errors
from shared.storage.sdk.blobs import Blobs
from shared.storage.signing.signed_links import Links
from shared.storage.slots import Admission, Unbounded

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient

# Copies within an account are mostly done at once; gigabytes may take minutes.
_LONGEST_COPY = timedelta(minutes=10)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0
_LINK_LIFE = timedelta(hours=1)
_NO_WINDOW = timedelta(0)
# https://learn.microsoft.com/rest/api/storageservices/blob-batch: at most 256 a request.
_DELETE_BATCH = 256
_DELETED_OR_CHANGED = {200, 202, 404, 412}


class BlobCopies:
    def __init__(
        self,
        account: StorageAccount,
        blobs: Blobs,
        links: Links,
        admission: Admission | None = None,
        longest_copy: timedelta = _LONGEST_COPY,
    ) -> None:
        """`links` lead to the account itself; `longest_copy` is how long a copy is waited for."""
        self._account = account
        self._blobs = blobs
        self._links = links
        self._admission = admission or Unbounded()
        self._longest_copy = longest_copy.total_seconds()

    def copy(self, source: Place, version: Blob, target: Place, over: Blob | None = None) -> Blob:
        """Copies a version with its type and metadata, waits for the end, and verifies the copy.

        The target is to be absent, or the version `over`. Raises BlobChanged if either is another
        version, BlobMissing, BlobArchived, StorageUnavailable.
        """
        link = self._links.to_read(source.container, source.name, _LINK_LIFE, window=_NO_WINDOW)
        self._start(link.url, version, target, over)
        copied = self._finished(target)
        if copied.size != version.size or (
            version.content_md5 and copied.content_md5 != version.content_md5
        ):
            raise StorageUnavailable(f"The copy of {source.name} differs from the original.")
        return copied

    def delete_all(self, container: str, versions: Sequence[Blob]) -> None:
        """Deletes blobs, but none that is another version by now.

        Raises the first error, BlobHeld or StorageUnavailable, when all have been tried.
        """
        problems: list[CliplinkError] = []
        for batch in batched(versions, _DELETE_BATCH, strict=False):
            problems += self._delete_batch(container, batch)
        if problems:
            raise problems[0]

    def _delete_batch(self, container: str, batch: Sequence[Blob]) -> list[CliplinkError]:
        from azure.core import MatchConditions

        deletions = [
            {
                "name": blob.name,
                "delete_snapshots": "include",
                "etag": blob.etag,
                "match_condition": MatchConditions.IfNotModified,
            }
            for blob in batch
        ]
        with self._admission.slot(), azure_errors("delete_batch"):
            answers = self._account.client.get_container_client(container).delete_blobs(
                *deletions, raise_on_any_failure=False
            )
            outcomes = list(zip(batch, answers, strict=True))
        problems: list[CliplinkError] = []
        for blob, answer in outcomes:
            if answer.status_code not in _DELETED_OR_CHANGED:
                try:
                    self._blobs.delete_version(container, blob)
                except CliplinkError as problem:
                    problems.append(problem)
        return problems

    def _start(self, url: str, version: Blob, target: Place, over: Blob | None) -> None:
        from azure.core import MatchConditions

        condition: dict[str, Any] = (
            {"match_condition": MatchConditions.IfMissing}
            if over is None
            else {"match_condition": MatchConditions.IfNotModified, "etag": over.etag}
        )
        with self._admission.slot(), azure_errors("copy"):
            try:
                self._client(target).start_copy_from_url(
                    url,
                    source_etag=version.etag,
                    source_match_condition=MatchConditions.IfNotModified,
                    **condition,
                )
            except _exists() as error:
                raise BlobChanged("The target of the copy was created during the call.") from error

    def _finished(self, target: Place) -> Blob:
        deadline, pause = time.monotonic() + self._longest_copy, _FIRST_PAUSE
        while True:
            blob = self._blobs.get(target.container, target.name)
            if blob.copy_status in {None, "success"}:
                return blob
            if blob.copy_status != "pending":
                raise StorageUnavailable(
                    f"The copy of {target.name} has the status {blob.copy_status}."
                )
            if time.monotonic() > deadline:
                raise StorageUnavailable(f"The copy of {target.name} takes too long.")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _client(self, place: Place) -> "BlobClient":
        return self._account.client.get_blob_client(place.container, place.name)


def _exists() -> type[Exception]:
    from azure.core.exceptions import ResourceExistsError

    return ResourceExistsError


def found(blobs: Blobs, place: Place) -> Blob | None:
    """The blob of that name, or None."""
    try:
        return blobs.get(place.container, place.name)
    except BlobMissing:
        return None
