"""Owns the services around the functions: Postgres, Azurite and the issuer, ready for use.

Decides the folders of their data, their ports, and the order in which they start and stop.
Knows nothing of the functions themselves: see local.supervisor.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient, CorsRule

from local import azurite, locks, ports, postgres, processes
from local.issuer import AUDIENCE, ISSUER, Issuer

PROJECT = Path(__file__).resolve().parent.parent
KEY_FILE = PROJECT / ".local" / "issuer-key.pem"
DEFAULT_PORT = 7071

PREFERRED_PORTS = {"blob": 10000, "queue": 10001, "postgres": 54329, "issuer": 7079}
_CONTAINERS = ("videos", "clips", "thumbnails", "temp", "bin")
_DEFAULTS = {
    "AZURE_STORAGE_CONTAINER_NAME": "cliplink",
    "CLEANUP_SCHEDULE": "0 * * * * *",
    "BLOB_TRIGGER_SOURCE": "LogsAndContainerScan",  # nothing local raises Event Grid events
}


@dataclass(frozen=True, slots=True)
class Services:
    """The running services; `settings` is the environment through which functions find them."""

    database_url: str
    account: azurite.Account
    jwks_url: str
    settings: Mapping[str, str]
    children: list[processes.Child]


def data_folder(port: int) -> Path:
    """The folder for all data of the copy that serves on `port`."""
    return PROJECT / ".local" / str(port)


@contextmanager
def running(home: Path, environment: Mapping[str, str]) -> Iterator[Services]:
    """Runs all services with their data in `home`, and applies the schema; raises ChildFailed.

    If `environment` has a DATABASE_URL, no Postgres is started and that database is used.
    """
    with ExitStack() as stack:
        # Locks come first: once the locks of a killed copy are free, its ports are too.
        azurite_lock = stack.enter_context(locks.hold(home / "azurite"))
        postgres_lock = stack.enter_context(locks.hold(home / "postgres"))
        port = stack.enter_context(ports.chosen(PREFERRED_PORTS, home / "ports.json"))

        server = None
        if not environment.get("DATABASE_URL"):
            server = postgres.start(home / "postgres", port["postgres"], lock=postgres_lock)
            stack.callback(server.child.stop)
        account = azurite.start(
            home / "azurite", blob_port=port["blob"], queue_port=port["queue"], lock=azurite_lock
        )
        stack.callback(account.child.stop)
        jwks_url = stack.enter_context(Issuer(KEY_FILE).serving(port["issuer"]))

        if server is not None:
            server.wait_until_ready()
        database_url = environment["DATABASE_URL"] if server is None else server.url
        processes.run(
            "The schema command",
            [sys.executable, "-m", "shared.migrate"],
            environment={**environment, "DATABASE_URL": database_url},
            folder=PROJECT,
        )
        account.wait_until_ready()
        settings = _settings(home, environment, account, database_url, jwks_url)
        _prepare_storage(account, settings["AZURE_STORAGE_CONTAINER_NAME"])
        started = [account.child] if server is None else [server.child, account.child]
        yield Services(database_url, account, jwks_url, settings, started)


def _settings(
    home: Path,
    environment: Mapping[str, str],
    account: azurite.Account,
    database_url: str,
    jwks_url: str,
) -> dict[str, str]:
    """The app's environment: defaults, then `environment`, then the local addresses."""
    temporary, migration_root = home / "tmp", home / "migration"
    for folder in (temporary, migration_root):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        **_DEFAULTS,
        "MIGRATION_ROOT": str(migration_root),
        **environment,
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": account.connection_string,
        "AZURE_STORAGE_CONNECTION_STRING": account.connection_string,
        "DATABASE_URL": database_url,
        "AUTH_ISSUER": ISSUER,
        "AUTH_AUDIENCE": AUDIENCE,
        "AUTH_JWKS_URL": jwks_url,
        "TEMP_DIR": str(temporary),
    }


def _prepare_storage(account: azurite.Account, prefix: str) -> None:
    """Creates the private containers, and allows browsers to upload and play from any page."""
    any_origin = CorsRule(
        ["*"],
        ["GET", "HEAD", "PUT", "OPTIONS"],
        allowed_headers=["*"],
        exposed_headers=["ETag", "Accept-Ranges", "Content-Length", "Content-Range", "x-ms-*"],
        max_age_in_seconds=3600,
    )
    with BlobServiceClient.from_connection_string(account.connection_string) as client:
        client.set_service_properties(cors=[any_origin])
        for name in _CONTAINERS:
            try:
                client.create_container(f"{prefix}-{name}")
            except ResourceExistsError:
                continue
