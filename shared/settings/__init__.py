"""The settings, read once from the environment: the only module that reads it.

With KEY_VAULT_URL, what is absent there is read from that vault. Every wrong or missing setting is
reported at once, by name; docs/configuration.md lists them all. Only the shape of values is
checked: besides the vault, nothing is connected to.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.clock import Clock, utc_now
from shared.settings.checks import (
    RENDITION_POLICIES,
    VIDEO_ENCODERS,
    check_account_key,
    check_account_name,
    check_base_url,
    check_boolean,
    check_connection_string,
    check_container_prefix,
    check_days,
    check_migration_root,
    check_postgres_url,
    check_public_url,
    check_renditions,
    check_temp_folder,
    check_trigger_source,
    check_url,
    check_video_encoder,
)
from shared.settings.reader import SettingReader
from shared.settings.schedules import check_schedule
from shared.settings.secret import Fixed, Secret, Vault

# What libraries read from the environment, unless it is set there already. pydantic would search
# every installed package for plugins, with the first request that it parses.
_OF_LIBRARIES = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}


class SettingsError(Exception):
    """The app cannot start; the message has a line for every problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Cliplink cannot start:\n" + "\n".join(f"  - {p}" for p in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """How to reach the storage account, in this order of preference.

    A connection string; an account name and its key; an account name with the app's own
    identity. `endpoint` is the blob endpoint where the last two are to find the account.
    With `debug` every request is in the log.
    """

    connection_string: Secret | None
    account_name: str | None
    account_key: Secret | None
    endpoint: str | None
    debug: bool = False

    @property
    def trigger_connection(self) -> str:
        """The setting (or the prefix of `__blobServiceUri` ...) that the triggers bind to.

        The Functions host looks it up, in the environment alone: only the app reads the vault.
        """
        known = isinstance(self.connection_string, Fixed)
        return "AZURE_STORAGE_CONNECTION_STRING" if known else "AZURE_STORAGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """Whose tokens are accepted; all three are required, and none can be switched off."""

    issuer: str
    audience: str
    jwks_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the app reads; `handler_threads` is how many calls a process runs at once."""

    storage: StorageSettings
    auth: AuthSettings
    database_url: Secret
    container_prefix: str
    temp_dir: Path
    cleanup_schedule: str
    blob_trigger_source: str
    cdn_endpoint: str | None
    public_url: str | None
    migration_root: Path | None
    handler_threads: int
    video_encoder: str
    renditions: str
    bin_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSettings:
    """The settings of the migration command and the Python API: none about tokens."""

    storage: StorageSettings
    database_url: Secret
    container_prefix: str


def read_environment() -> Settings:
    """The settings of this process, where libraries find theirs too; raises SettingsError."""
    for name, value in _OF_LIBRARIES.items():
        os.environ.setdefault(name, value)
    return from_mapping(os.environ)


def open_vault(url: str) -> Vault:
    """The vault of that address; nothing is requested yet."""
    from shared.auth.app_identity import AppIdentity
    from shared.settings.key_vault import KeyVault

    return KeyVault(url, AppIdentity())


def from_mapping(
    values: Mapping[str, str],
    vault_of: Callable[[str], Vault] = open_vault,
    clock: Clock = utc_now,
) -> Settings:
    """The settings in `values` and in the vault that they name; an empty one counts as absent.

    Raises SettingsError with every problem.
    """
    reader = SettingReader(values, vault_of, clock)
    settings = Settings(
        storage=_storage(reader),
        auth=AuthSettings(
            issuer=reader.required("AUTH_ISSUER", check_url),
            audience=reader.required("AUTH_AUDIENCE"),
            jwks_url=reader.required("AUTH_JWKS_URL", check_url),
        ),
        database_url=reader.required_secret("DATABASE_URL", check_postgres_url),
        container_prefix=_container_prefix(reader),
        temp_dir=Path(
            reader.optional("TEMP_DIR", f"{tempfile.gettempdir()}/cliplink", check_temp_folder)
        ),
        cleanup_schedule=reader.optional("CLEANUP_SCHEDULE", "0 */5 * * * *", check_schedule),
        blob_trigger_source=reader.optional(
            "BLOB_TRIGGER_SOURCE", "EventGrid", check_trigger_source
        ),
        cdn_endpoint=(reader.get("CDN_ENDPOINT", check_base_url) or "").rstrip("/") or None,
        public_url=(reader.get("PUBLIC_URL", check_public_url) or "").rstrip("/") or None,
        migration_root=_path(reader.get("MIGRATION_ROOT", check_migration_root)),
        handler_threads=_handler_threads(reader),
        renditions=reader.optional("RENDITIONS", RENDITION_POLICIES[0], check_renditions),
        video_encoder=reader.optional("VIDEO_ENCODER", VIDEO_ENCODERS[0], check_video_encoder),
        bin_days=int(reader.optional("BIN_DAYS", "14", check_days)),
    )
    _stop_at_problems(reader)
    return settings


def read_database_url() -> str:
    """DATABASE_URL alone, for commands that need nothing else; raises SettingsError."""
    reader = SettingReader(os.environ, open_vault, utc_now)
    url = reader.required("DATABASE_URL", check_postgres_url)
    _stop_at_problems(reader)
    return url


def read_transfer_settings() -> TransferSettings:
    """The settings of the migration command and of the Python API; raises SettingsError."""
    reader = SettingReader(os.environ, open_vault, utc_now)
    settings = TransferSettings(
        storage=_storage(reader),
        database_url=reader.required_secret("DATABASE_URL", check_postgres_url),
        container_prefix=_container_prefix(reader),
    )
    _stop_at_problems(reader)
    return settings


def _path(value: str | None) -> Path | None:
    return None if value is None else Path(value)


def _handler_threads(reader: SettingReader) -> int:
    """As many as the platform's worker makes of its setting, and by default of the processors."""
    text = reader.of_platform("PYTHON_THREADPOOL_THREAD_COUNT") or ""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    return min(32, (os.process_cpu_count() or 1) + 4)


def _container_prefix(reader: SettingReader) -> str:
    return reader.optional("AZURE_STORAGE_CONTAINER_NAME", "cliplink", check_container_prefix)


def _stop_at_problems(reader: SettingReader) -> None:
    if reader.problems:
        raise SettingsError(reader.problems) from reader.fault


def _storage(reader: SettingReader) -> StorageSettings:
    settings = StorageSettings(
        connection_string=reader.secret("AZURE_STORAGE_CONNECTION_STRING", check_connection_string),
        account_name=reader.get("AZURE_STORAGE_ACCOUNT_NAME", check_account_name),
        account_key=reader.secret("AZURE_STORAGE_ACCOUNT_KEY", check_account_key),
        endpoint=reader.get("AZURE_STORAGE_BLOB_ENDPOINT", check_url),
        debug=reader.optional("STORAGE_DEBUG", "false", check_boolean).lower() == "true",
    )
    if settings.connection_string is None and settings.account_name is None:
        reader.missing(
            "AZURE_STORAGE_CONNECTION_STRING is missing, and so is AZURE_STORAGE_ACCOUNT_NAME"
        )
    return settings
