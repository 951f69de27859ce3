"""A blob that grows line by line: what was appended once is never appended again."""

from collections.abc import Mapping

from shared.errors import BlobChanged, BlobExists
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.azure_errors import azure_errors

# https://learn.microsoft.com/rest/api/storageservices/append-block: the limit of old versions.
_LARGEST_BLOCK = 4 * 1024 * 1024


class AppendBlobs:
    """Raises StorageUnavailable in an outage, BlobMissing where the blob was deleted."""

    def __init__(self, account: StorageAccount) -> None:
        self._account = account

    def create(
        self, container: str, name: str, content_type: str, metadata: Mapping[str, str]
    ) -> None:
        """Makes an empty blob; one that exists stays as it is."""
        from azure.core import MatchConditions
        from azure.storage.blob import ContentSettings

        client = self._account.client.get_blob_client(container, name)
        try:
            with azure_errors("create_append_blob"):
                client.create_append_blob(
                    ContentSettings(content_type=content_type),
                    dict(metadata),
                    match_condition=MatchConditions.IfMissing,
                )
        except BlobExists:
            return

    def append(self, container: str, name: str, position: int, data: bytes) -> None:
        """Makes `data` what follows the first `position` bytes of the blob.

        May be repeated, also after a call that ended half-way. Raises BlobChanged if the blob
        has another length than any such call leaves behind.
        """
        client = self._account.client.get_blob_client(container, name)
        done = 0
        while done < len(data):
            piece = data[done : done + _LARGEST_BLOCK]
            try:
                with azure_errors("append"):
                    client.append_block(piece, appendpos_condition=position + done)
            except BlobChanged:
                with azure_errors("get"):
                    size = int(client.get_blob_properties().size)
                if not done < size - position <= len(data):
                    raise
                done = size - position
            else:
                done += len(piece)
