"""Deletes one blob, although it is leased, and says if a policy keeps it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.errors import BlobHeld
from shared.storage.sdk.azure_errors import azure_errors, is_held, is_leased

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient


def delete_blob(client: "BlobClient", condition: Mapping[str, Any]) -> None:
    """Deletes a blob with its snapshots, on that condition; raises BlobHeld, BlobMissing."""
    from azure.core.exceptions import HttpResponseError

    with azure_errors("delete"):
        try:
            _delete_leased_or_not(client, condition)
        except HttpResponseError as error:
            if is_held(error):
                raise BlobHeld(
                    f"A policy prevents the deletion of the blob {client.blob_name}."
                ) from error
            raise


def _delete_leased_or_not(client: "BlobClient", condition: Mapping[str, Any]) -> None:
    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import BlobLeaseClient

    try:
        client.delete_blob(delete_snapshots="include", **condition)
    except HttpResponseError as error:
        if not is_leased(error):
            raise
        # An upload link allows its holder to take a lease, even an infinite one.
        BlobLeaseClient(client).break_lease(lease_break_period=0)
        client.delete_blob(delete_snapshots="include", **condition)
