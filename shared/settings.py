"""The settings, read once from the environment: the only module that looks at it.

With KEY_VAULT_URL, what is absent there is read from that vault. Every wrong or missing
setting is reported at once, by name; docs/configuration.md lists them all. Values are
checked for shape here, never tried out: nothing else connects.
"""

import base64
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shared.clock import Clock, utc_now
from shared.secret import Fixed, Secret, Vault
from shared.setting_reader import SettingReader

# https://learn.microsoft.com/azure/storage/common/storage-account-overview: 3-24 lower-case
# letters and digits; containers: 3-63 with single hyphens, of which ours add up to 11.
_ACCOUNT_NAME = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER_PREFIX = re.compile(r"(?=.{1,52}$)[a-z0-9]+(-[a-z0-9]+)*")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_APP = Path(__file__).resolve().parents[1]
# Seconds, minutes, hours, day, month, weekday; the last two by name as well.
_SCHEDULE_FIELDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_SCHEDULE_PART = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/[1-9]\d?)?", re.ASCII)
_NAMES = {
    4: ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    5: ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_TRIGGER_SOURCES = ("EventGrid", "LogsAndContainerScan")


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
    """

    connection_string: Secret | None
    account_name: str | None
    account_key: Secret | None
    endpoint: str | None

    @property
    def trigger_connection(self) -> str:
        """The setting (or the prefix of `__blobServiceUri` ...) that the blob trigger binds to.

        The Functions host looks it up, in the environment alone: the vault is ours.
        """
        known = isinstance(self.connection_string, Fixed)
        return "AZURE_STORAGE_CONNECTION_STRING" if known else "AZURE_STORAGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """Whose tokens are believed: all three are required, there is no way around them."""

    issuer: str
    audience: str
    jwks_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    storage: StorageSettings
    auth: AuthSettings
    database_url: Secret
    container_prefix: str
    temp_dir: Path
    cleanup_schedule: str
    blob_trigger_source: str


def read_environment() -> Settings:
    """The settings of this process; raises SettingsError."""
    return from_mapping(os.environ)


def open_vault(url: str) -> Vault:
    """The vault of that address, without asking it anything yet."""
    # Imported here: a start without a vault does without the clients of Azure for it.
    from shared.app_identity import AppIdentity
    from shared.key_vault import KeyVault

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
            issuer=reader.required("AUTH_ISSUER", _is_address),
            audience=reader.required("AUTH_AUDIENCE"),
            jwks_url=reader.required("AUTH_JWKS_URL", _is_address),
        ),
        database_url=reader.required_secret("DATABASE_URL", _is_postgres),
        container_prefix=reader.optional(
            "AZURE_STORAGE_CONTAINER_NAME", "cliplink", _is_container_prefix
        ),
        temp_dir=Path(
            reader.optional("TEMP_DIR", f"{tempfile.gettempdir()}/cliplink", _is_own_folder)
        ),
        cleanup_schedule=reader.optional("CLEANUP_SCHEDULE", "0 */5 * * * *", _is_schedule),
        blob_trigger_source=reader.optional("BLOB_TRIGGER_SOURCE", "EventGrid", _is_trigger_source),
    )
    _stop_at_problems(reader)
    return settings


def read_database_url() -> str:
    """DATABASE_URL alone, for whoever runs migrations and needs nothing else."""
    reader = SettingReader(os.environ, open_vault, utc_now)
    url = reader.required("DATABASE_URL", _is_postgres)
    _stop_at_problems(reader)
    return url


def _stop_at_problems(reader: SettingReader) -> None:
    if reader.problems:
        raise SettingsError(reader.problems) from reader.fault


def _storage(reader: SettingReader) -> StorageSettings:
    settings = StorageSettings(
        connection_string=reader.secret("AZURE_STORAGE_CONNECTION_STRING", _is_connection_string),
        account_name=reader.get("AZURE_STORAGE_ACCOUNT_NAME", _is_account_name),
        account_key=reader.secret("AZURE_STORAGE_ACCOUNT_KEY", _is_account_key),
        endpoint=reader.get("AZURE_STORAGE_BLOB_ENDPOINT", _is_address),
    )
    if settings.connection_string is None and settings.account_name is None:
        reader.missing(
            "AZURE_STORAGE_CONNECTION_STRING is missing, and so is AZURE_STORAGE_ACCOUNT_NAME"
        )
    return settings


def _is_address(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no URL"
    if not host or parts.scheme not in {"http", "https"}:
        return "must be an https:// URL"
    if parts.scheme == "http" and host not in _LOOPBACK and not host.endswith(".localhost"):
        return "must be https: plain http is for localhost only"
    return None


def _is_postgres(value: str) -> str | None:
    try:
        parts = urlsplit(value)
    except ValueError:
        return "is no URL: write special characters in the password as %XX"
    if parts.scheme not in {"postgres", "postgresql"}:
        return "must begin with postgresql://"
    # The driver would complain too, and quote a part of the password.
    if _STRAY_PERCENT.search(value):
        return "has a % that is not followed by two hexadecimal digits: write it as %25"
    return None


def _is_connection_string(value: str) -> str | None:
    parts = [part.partition("=") for part in value.rstrip(";").split(";")]
    if not all(equals for _, equals, _ in parts):
        return "is malformed: it is made of Name=value;Name=value"
    values = {name: text for name, _, text in parts}
    if not (values.get("AccountName") and values.get("AccountKey")):
        return "must have AccountName and AccountKey: neither a SAS nor a shortcut will do"
    return _is_account_key(values["AccountKey"])


def _is_account_key(value: str) -> str | None:
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        return "has an account key that is not base64"
    return None


def _is_account_name(value: str) -> str | None:
    if not _ACCOUNT_NAME.fullmatch(value):
        return "must be 3 to 24 lower-case letters and digits"
    return None


def _is_container_prefix(value: str) -> str | None:
    if not _CONTAINER_PREFIX.fullmatch(value):
        return "must be at most 52 lower-case letters, digits and single hyphens"
    return None


def _is_own_folder(value: str) -> str | None:
    # Its old files are deleted: it must not be, or hold, a folder that matters to anybody.
    path = Path(value)
    if not path.is_absolute():
        return "must be an absolute path"
    precious = (_APP, Path.home().resolve(), Path(tempfile.gettempdir()).resolve())
    if any(folder.is_relative_to(path.resolve()) for folder in precious):
        return "must be a folder of its own: old files in it are deleted"
    return None


def _is_schedule(value: str) -> str | None:
    fields = value.split()
    if len(fields) == len(_SCHEDULE_FIELDS) and all(map(_is_schedule_field, range(6), fields)):
        return None
    return "must be an NCRONTAB expression of six fields, such as 0 */5 * * * *"


def _is_schedule_field(index: int, text: str) -> bool:
    lowest, highest = _SCHEDULE_FIELDS[index]
    parts = [_SCHEDULE_PART.fullmatch(part) for part in text.split(",")]
    ends = [end for part in parts if part for end in part.groups() if end is not None]
    return all(parts) and all(
        lowest <= int(end) <= highest
        if end.isdecimal()
        else end[:3].lower() in _NAMES.get(index, ())
        for end in ends
    )


def _is_trigger_source(value: str) -> str | None:
    if value not in _TRIGGER_SOURCES:
        return f"must be one of {', '.join(_TRIGGER_SOURCES)}"
    return None
