"""Blobs by container and name: properties, ranges, writing, listing, deleting, rehydrating.

Whole blobs are never read here. All calls raise StorageUnavailable in an outage. The SDK
is imported late: docs/adr/0020-late-imports.md.
"""

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from shared.errors import BlobChanged, BlobMissing, CliplinkError
from shared.model.blob import Blob, RehydratePriority
from shared.storage.listed_page import ListedPage
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.azure_errors import azure_errors, is_rehydrating
from shared.storage.sdk.blob_deletion import delete_blob
from shared.storage.slots import Admission, Unbounded

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient

    from shared.storage.blob_reader import BlobReader
    from shared.storage.blob_requests import BlobRequests
    from shared.storage.listing import Listing

_CHECK_SECONDS = 3.0
# https://learn.microsoft.com/rest/api/storageservices/blob-batch: at most 256 a request.
_DELETE_BATCH = 256
# The first of several batches is small, so that a caller of the API need not wait for a large one.
_FIRST_BATCH = 32
_DELETED = {200, 202, 404}
# How long a batch is waited for: for storage it is as much work as so many requests.
_BATCH_SECONDS = 10.0
_SECONDS_FOR_EACH = 0.1


class Blobs:
    def __init__(self, account: StorageAccount, admission: Admission | None = None) -> None:
        """`admission` bounds how many requests wait for storage; by default nothing does."""
        self._account = account
        self._admission = admission or Unbounded()

    @cached_property
    def _requests(self) -> "BlobRequests":
        from shared.storage.blob_requests import BlobRequests

        return BlobRequests(self._account)

    @cached_property
    def _listing(self) -> "Listing":
        from shared.storage.listing import Listing

        return Listing(self._account)

    def get(self, container: str, name: str) -> Blob:
        """The properties of a blob; raises BlobMissing."""
        with self._admission.slot():
            return self._requests.properties(container, name)

    def exists(self, container: str, name: str) -> bool:
        try:
            self.get(container, name)
        except BlobMissing:
            return False
        return True

    def reader(self, container: str, blob: Blob) -> "BlobReader":
        """Reads ranges of exactly this version of the blob."""
        from shared.storage.blob_reader import BlobReader

        return BlobReader(self._requests, container, blob, self._admission)

    def put(
        self,
        container: str,
        name: str,
        data: bytes,
        content_type: str,
        *,
        replace: bool,
        metadata: Mapping[str, str] | None = None,
        only_version: str | None = None,
    ) -> None:
        """Writes a small blob in one request; without `replace`, raises BlobExists.

        With `only_version`, an ETag, it replaces that version and no other: raises BlobChanged.
        """
        with self._admission.slot():
            self._requests.put(
                container,
                name,
                data,
                content_type,
                replace=replace,
                metadata=metadata or {},
                only_version=only_version,
            )

    def set_md5(self, container: str, blob: Blob, md5: str) -> str:
        """Notes a blob's Content-MD5 (base64) and returns the new ETag; raises BlobChanged."""
        from azure.core import MatchConditions

        with self._admission.slot(), azure_errors("set_md5"):
            client = self._client(container, blob.name)
            # All of these properties are set at once: what is not named is cleared.
            settings = client.get_blob_properties().content_settings
            settings.content_md5 = bytearray(b64decode(md5))
            answer = client.set_http_headers(
                settings, etag=blob.etag, match_condition=MatchConditions.IfNotModified
            )
        return str(answer["etag"]).strip('"')

    def rehydrate(self, container: str, name: str, priority: RehydratePriority) -> bool:
        """Starts to restore a blob from the archive, or raises the priority of a running restore.

        False if a running restore stays as it is. Raises BlobMissing. The blob is offline
        meanwhile: for hours, with high priority for less than one.
        """
        from azure.core.exceptions import HttpResponseError
        from azure.storage.blob import RehydratePriority as SdkPriority

        with self._admission.slot(), azure_errors("rehydrate"):
            try:
                self._client(container, name).set_standard_blob_tier(
                    "Hot", rehydrate_priority=SdkPriority(priority.capitalize())
                )
            except HttpResponseError as error:
                if is_rehydrating(error):
                    return False
                raise
        return True

    def delete(self, container: str, name: str) -> bool:
        """Deletes a blob with its snapshots, leased or not; False if there was none.

        Raises BlobHeld where a legal hold or an immutability policy keeps it.
        """
        return self._delete(container, name, {})

    def delete_version(self, container: str, version: Blob) -> bool:
        """As `delete`, for one version; False if the blob is absent or another version."""
        from azure.core import MatchConditions

        condition = {"etag": version.etag, "match_condition": MatchConditions.IfNotModified}
        try:
            return self._delete(container, version.name, condition)
        except BlobChanged:
            return False

    def _delete(self, container: str, name: str, condition: Mapping[str, Any]) -> bool:
        try:
            with self._admission.slot():
                delete_blob(self._client(container, name), condition)
        except BlobMissing:
            return False
        return True

    def delete_prefix(
        self,
        container: str,
        prefix: str,
        may_go_on: Callable[[], bool] = lambda: True,
        keep: Callable[[str], bool] = lambda _name: False,
    ) -> int:
        """Deletes the blobs whose names begin with `prefix` and returns how many there were.

        Those for whose name `keep` is true stay. Stops after the batch in which `may_go_on`
        becomes false. Each blob is independent of the others: the first error is raised when all
        have been tried.
        """
        tried = 0
        problems: list[CliplinkError] = []
        for page in self.pages(container, prefix):
            names = (blob.name for blob in page if not keep(blob.name))
            for batch in _growing_batches(names):
                problems += self._delete_batch(container, batch)[:1]
                tried += len(batch)
                if not may_go_on():
                    return tried
        if problems:
            raise problems[0]
        return tried

    def pages(
        self, container: str, prefix: str = "", *, metadata: bool = False
    ) -> Iterator[list[Blob]]:
        """All blobs in the order of their names, up to 5000 at a time."""
        marker: str | None = None
        while True:
            # What the caller does with a page is not part of the listing.
            with self._admission.slot():
                page = self._listing.page(container, marker, prefix=prefix, metadata=metadata)
                blobs = page.blobs
            yield blobs
            marker = page.marker
            if marker is None:
                return

    def page(self, container: str, marker: str | None, *, metadata: bool = True) -> ListedPage:
        """Up to 5000 blobs, and the marker of the next page.

        The first page without a marker. A marker is valid for days; raises BlobMissing if it is
        not any more.
        """
        with self._admission.slot():
            return self._listing.page(container, marker, metadata=metadata)

    def delete_names(self, container: str, names: Sequence[str]) -> list[CliplinkError]:
        """Deletes up to 256 blobs in one request, and returns what was wrong with single ones."""
        return self._delete_batch(container, names) if names else []

    def check(self, container: str) -> None:
        """Raises StorageUnavailable unless the container can be read; answers within seconds."""
        with self._admission.slot(), azure_errors("check"):
            self._account.client.get_container_client(container).get_container_properties(
                read_timeout=_CHECK_SECONDS, retry_total=1
            )

    def _delete_batch(self, container: str, names: Sequence[str]) -> list[CliplinkError]:
        """Deletes blobs and returns the errors of single ones."""
        with self._admission.slot(), azure_errors("delete_batch"):
            answers = self._account.client.get_container_client(container).delete_blobs(
                *names,
                delete_snapshots="include",
                raise_on_any_failure=False,
                read_timeout=_BATCH_SECONDS + _SECONDS_FOR_EACH * len(names),
            )
            # The answers come in the order of the names.
            outcomes = list(zip(names, answers, strict=True))
        problems: list[CliplinkError] = []
        for name, answer in outcomes:
            if answer.status_code not in _DELETED:
                try:
                    self.delete(container, name)  # deals with a lease, or says what is wrong
                except CliplinkError as problem:
                    problems.append(problem)
        return problems

    def _client(self, container: str, name: str) -> "BlobClient":
        return self._account.client.get_blob_client(container, name)


def _growing_batches(names: Iterator[str]) -> Iterator[tuple[str, ...]]:
    """The names in batches, each twice as large as the one before, up to the largest."""
    size = min(_FIRST_BATCH, _DELETE_BATCH)
    while batch := tuple(islice(names, size)):
        yield batch
        size = min(2 * size, _DELETE_BATCH)
