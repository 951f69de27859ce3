"""Measures the CPU time of a thousand links: the signer of this app and that of the SDK.

`python -m bench.minting` runs this alone; it needs no server.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from azure.storage.blob import BlobSasPermissions, BlobServiceClient, generate_blob_sas

from shared.clock import utc_now
from shared.settings import StorageSettings
from shared.settings.secret import Fixed
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.signed_links import Links, LinkTerms

_LINKS = 1000
_ROUNDS = 15
_LIFE = timedelta(hours=24)
_CONTAINER = "cliplink-clips"
_ACCOUNT = "clips"
_KEY = "c2VjcmV0IG9mIHRoZSBiZW5jaG1hcms="
_ADDRESS = f"https://{_ACCOUNT}.blob.core.windows.net"

type Mint = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Row:
    """CPU milliseconds for a thousand links."""

    name: str
    median: float
    best: float


def run() -> None:
    print(f"\nMinting {_LINKS} links to clips, with their URLs; {_ROUNDS} rounds, CPU ms")
    print(f"{'':<44}{'median':>8}{'best':>8}")
    for row in rows():
        print(f"{row.name:<44}{row.median:>8.1f}{row.best:>8.1f}")


def rows() -> list[Row]:
    mint = _app_minter(LinkTerms(content_type="video/mp4"))
    ways: dict[str, Mint] = {
        "Links.to_read": mint,
        "Links.to_read, the same again": mint,
        "Links.to_read, to be saved under a title": _app_minter(
            LinkTerms(content_type="video/mp4", download_as="Žofie's goal, again.mp4")
        ),
        "generate_blob_sas": _mint_with_sdk,
        "generate_blob_sas, get_blob_client().url": _sdk_minter_with_url(),
    }
    # The ways take turns, so that other load on the machine affects all of them.
    rounds = [_round(ways) for _ in range(_ROUNDS)]
    return [
        Row(way, statistics.median(r[way] for r in rounds), min(r[way] for r in rounds))
        for way in ways
    ]


def _round(ways: Mapping[str, Mint]) -> Mapping[str, float]:
    """Uses new names in each round, because links are cached."""
    names = [f"{uuid4()}/{uuid4()}.mp4" for _ in range(_LINKS)]
    return {way: _cpu(mint, names) for way, mint in ways.items()}


def _cpu(mint: Mint, names: list[str]) -> float:
    start = time.process_time()
    for name in names:
        mint(name)
    return 1e3 * (time.process_time() - start)


def _app_minter(terms: LinkTerms) -> Mint:
    settings = StorageSettings(
        connection_string=None, account_name=_ACCOUNT, account_key=Fixed(_KEY), endpoint=None
    )
    links = Links(StorageAccount(settings, utc_now), utc_now)
    return lambda name: links.to_read(_CONTAINER, name, _LIFE, terms)


def _mint_with_sdk(name: str) -> str:
    now = utc_now()
    return generate_blob_sas(
        _ACCOUNT,
        _CONTAINER,
        name,
        account_key=_KEY,
        permission=BlobSasPermissions(read=True),
        start=now - timedelta(minutes=5),
        expiry=now + _LIFE,
        protocol="https",
        cache_control="private, max-age=3600",
        content_type="video/mp4",
    )


def _sdk_minter_with_url() -> Mint:
    client = BlobServiceClient(_ADDRESS, credential=_KEY)
    return lambda name: f"{client.get_blob_client(_CONTAINER, name).url}?{_mint_with_sdk(name)}"


if __name__ == "__main__":
    run()
