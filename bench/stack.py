"""Postgres, and Azurite behind a proxy that is as slow as a storage account in the same region."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from azure.storage.blob import BlobServiceClient

from clips.compose import open_backends
from local import azurite, postgres
from local.issuer import AUDIENCE, ISSUER, Issuer
from local.ports import free_port
from shared.blob_names.containers import Containers
from shared.catalogue.library.user_queries import Users
from shared.catalogue.library.video_queries import Videos
from shared.schema.apply import apply_schema
from shared.settings import from_mapping
from tests import storage_proxy

_LATENCY = 0.008  # seconds a request
_BANDWIDTH = 60e6  # bytes a second


@dataclass(frozen=True, slots=True)
class Stack:
    """`environment` connects the app to storage through the proxy, which counts `traffic`."""

    environment: Mapping[str, str]
    server: postgres.Server
    account: azurite.Account
    issuer: Issuer
    traffic: storage_proxy.Traffic
    description: str

    @property
    def direct_connection_string(self) -> str:
        """Connects without the proxy."""
        return self.account.connection_string


@contextmanager
def running() -> Iterator[Stack]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgres.running(folder / "postgres", free_port()))
        account = stack.enter_context(
            azurite.running(folder / "azurite", blob_port=free_port(), queue_port=free_port())
        )
        issuer = Issuer(folder / "issuer.pem")
        jwks_url = stack.enter_context(issuer.serving(free_port()))
        port = free_port()
        traffic = stack.enter_context(
            storage_proxy.running(
                port, account.blob_port, latency=_LATENCY, bytes_per_second=_BANDWIDTH
            )
        )
        apply_schema(server.url)
        direct = account.connection_string
        with BlobServiceClient.from_connection_string(direct) as client:
            for container in Containers("bench").all():
                client.create_container(container)
        through = direct.replace(f":{account.blob_port}/", f":{port}/")
        environment = {
            "AZURE_STORAGE_CONNECTION_STRING": through,
            "AZURE_STORAGE_CONTAINER_NAME": "bench",
            "DATABASE_URL": server.url,
            "AUTH_ISSUER": ISSUER,
            "AUTH_AUDIENCE": AUDIENCE,
            "AUTH_JWKS_URL": jwks_url,
            "TEMP_DIR": str(folder / "temp"),
        }
        description = f"storage {_LATENCY * 1e3:.0f} ms and {_BANDWIDTH / 1e6:.0f} MB/s away"
        yield Stack(environment, server, account, issuer, traffic, description)


def new_video(stack: Stack) -> UUID:
    """Adds a video for the user of the benchmarks."""
    backends = open_backends(from_mapping(stack.environment))
    with backends.database as database:
        video = Videos(database).add(Users(database).id_of("bench", None), "Benchmark", None)
        assert video is not None
        return video.id
