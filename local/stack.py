"""Owns the services around the functions: Postgres, Azurite and the issuer, ready for use.

Decides where their data lies, on which ports they listen and in which order they start and
stop. Knows nothing of the functions themselves: see local.supervisor.
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
    """What runs, and `settings`: the environment in which the functions find all of it."""

    database_url: str
    account: azurite.Account
    jwks_url: str
    settings: Mapping[str, str]
    children: list[processes.Child]


def data_folder(port: int) -> Path:
    """Where the copy that serves on `port` keeps everything."""
    return PROJECT / ".local" / str(port)


@contextmanager
def running(home: Path, environment: Mapping[str, str]) -> Iterator[Services]:
    """All services with their data in `home`, migrated; raises processes.ChildFailed.

    Where `environment` names a DATABASE_URL, that server is used and none is started.
    """
    with ExitStack() as stack:
        # Locks first: the ports of a copy that was killed are free once its locks are.
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
            "The migration",
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
    """The app's environment: defaults, then the developer's own, then the local addresses."""
    temporary, to_move_in = home / "tmp", home / "migration"
    for folder in (temporary, to_move_in):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        **_DEFAULTS,
        "MIGRATION_ROOT": str(to_move_in),
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
    """Makes the private containers, and allows browsers to upload and play from any page."""
    everyone = CorsRule(
        ["*"],
        ["GET", "HEAD", "PUT", "OPTIONS"],
        allowed_headers=["*"],
        exposed_headers=["ETag", "Accept-Ranges", "Content-Length", "Content-Range", "x-ms-*"],
        max_age_in_seconds=3600,
    )
    with BlobServiceClient.from_connection_string(account.connection_string) as client:
        client.set_service_properties(cors=[everyone])
        for name in _CONTAINERS:
            try:
                client.create_container(f"{prefix}-{name}")
            except ResourceExistsError:
                continue
