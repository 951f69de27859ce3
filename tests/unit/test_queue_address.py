"""The address of the queues of the account, for every way to name the account."""

import pytest

from shared.clock import utc_now
from shared.settings import from_mapping
from shared.storage.sdk.account import StorageAccount
from tests.settings import REQUIRED

KEY = "AccountName=films;AccountKey=c2VjcmV0"


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"AZURE_STORAGE_ACCOUNT_NAME": "films"}, "https://films.queue.core.windows.net"),
        (
            {
                "AZURE_STORAGE_ACCOUNT_NAME": "films",
                "AZURE_STORAGE_BLOB_ENDPOINT": "https://films.blob.core.usgovcloudapi.net/",
            },
            "https://films.queue.core.usgovcloudapi.net",
        ),
        (
            {
                "AZURE_STORAGE_ACCOUNT_NAME": "films",
                "AZURE_STORAGE_BLOB_ENDPOINT": "https://media.example.org",
            },
            "https://films.queue.core.windows.net",
        ),
        ({"AZURE_STORAGE_CONNECTION_STRING": KEY}, "https://films.queue.core.windows.net"),
        (
            {"AZURE_STORAGE_CONNECTION_STRING": f"{KEY};EndpointSuffix=core.chinacloudapi.cn"},
            "https://films.queue.core.chinacloudapi.cn",
        ),
        (
            {"AZURE_STORAGE_CONNECTION_STRING": f"{KEY};QueueEndpoint=http://127.0.0.1:1/films/;"},
            "http://127.0.0.1:1/films",
        ),
    ],
)
def test_queues_are_beside_the_blobs(settings: dict[str, str], address: str) -> None:
    account = StorageAccount(from_mapping(REQUIRED | settings).storage, utc_now)
    assert account.queue_address == address
