"""Checks of settings: each returns the problem with a value, or None.

Pure, and of the shape alone: nothing is connected to. A problem continues a sentence that begins
with the setting's name.
"""

import base64
import re
import tempfile
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

# https://learn.microsoft.com/azure/storage/common/storage-account-overview: 3-24 lower-case
# letters and digits; containers: 3-63 with single hyphens, `-thumbnails` included.
_ACCOUNT_NAME = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER_PREFIX = re.compile(r"(?=.{1,52}$)[a-z0-9]+(-[a-z0-9]+)*")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# With one @ at most, between who signs in and where.
_POSTGRES_URL = re.compile(r"[a-z]+://(?:[^@/?\s]*@)?[^@\s]*")
_NOT_A_URL = "is no URL"
_NOT_A_DATABASE_URL = "is no URL: write special characters in the password as %XX"
_BASE_ADDRESS = re.compile(r"[A-Za-z0-9:/.\[\]_~%-]+")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_APP = Path(__file__).resolve().parents[2]
# The first is the default; the others are for those who may not use code under the GPL.
VIDEO_ENCODERS = ("libx264", "libsvtav1", "libvpx-vp9")
# The first is the default.
RENDITION_POLICIES = ("remux", "never", "all")
MOST_BIN_DAYS = 3650
_TRIGGER_SOURCES = ("EventGrid", "LogsAndContainerScan")


def check_url(value: str) -> str | None:
    parts = _parts(value)
    if parts is None:
        return _NOT_A_URL
    host = parts.hostname
    if not host or parts.scheme not in {"http", "https"}:
        return "must be an https:// URL"
    if parts.scheme == "http" and host not in _LOOPBACK and not host.endswith(".localhost"):
        return "must be https: plain http is for localhost only"
    return None


def check_vault_url(value: str) -> str | None:
    # Plain http is refused on loopback too: secrets and the token travel over it.
    parts = _parts(value)
    if parts is None:
        return _NOT_A_URL
    extra = parts.username or parts.path.strip("/") or parts.query or parts.fragment
    if not parts.hostname or parts.scheme != "https" or extra:
        return "must be the address of a key vault, such as https://cliplink.vault.azure.net"
    return None


def check_boolean(value: str) -> str | None:
    return None if value.lower() in {"true", "false"} else "must be true or false"


def check_base_url(value: str) -> str | None:
    """A URL to which paths are appended."""
    if problem := check_url(value):
        return problem
    if not _BASE_ADDRESS.fullmatch(value):
        return "must be an address without a query, a fragment, a user or unusual characters"
    return None


def check_public_url(value: str) -> str | None:
    """A URL to which `/api/...` is appended."""
    if value.rstrip("/").lower().endswith("/api"):
        return "must end before /api, which is added to it"
    return check_base_url(value)


def check_postgres_url(value: str) -> str | None:
    try:
        scheme, decoded = urlsplit(value).scheme, unquote(value, errors="strict")
    except ValueError:
        return _NOT_A_DATABASE_URL
    if scheme not in {"postgres", "postgresql"}:
        return "must begin with postgresql://"
    # The driver would complain too, and quote a part of the password.
    if _STRAY_PERCENT.search(value):
        return "has a % that is not followed by two hexadecimal digits: write it as %25"
    if "\0" in decoded or not _POSTGRES_URL.fullmatch(value):
        return _NOT_A_DATABASE_URL
    return None


def check_connection_string(value: str) -> str | None:
    parts = [part.partition("=") for part in value.rstrip(";").split(";")]
    if not all(equals for _, equals, _ in parts):
        return "is malformed: it is made of Name=value;Name=value"
    values = {name: text for name, _, text in parts}
    if not (values.get("AccountName") and values.get("AccountKey")):
        return "must have AccountName and AccountKey: a SAS or a shortcut is not accepted"
    return check_account_key(values["AccountKey"])


def check_account_key(value: str) -> str | None:
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        return "has an account key that is not base64"
    return None


def check_account_name(value: str) -> str | None:
    if not _ACCOUNT_NAME.fullmatch(value):
        return "must be 3 to 24 lower-case letters and digits"
    return None


def check_container_prefix(value: str) -> str | None:
    if not _CONTAINER_PREFIX.fullmatch(value):
        return "must be at most 52 lower-case letters, digits and single hyphens"
    return None


def check_temp_folder(value: str) -> str | None:
    # Its old files are deleted: it must not be, or hold, a folder with other uses.
    path = Path(value)
    if not path.is_absolute():
        return "must be an absolute path"
    precious = (_APP, Path.home().resolve(), Path(tempfile.gettempdir()).resolve())
    if any(folder.is_relative_to(path.resolve()) for folder in precious):
        return "must be a folder that only the app uses, because old files in it are deleted"
    return None


def check_migration_root(value: str) -> str | None:
    # It need not exist yet: a share may be mounted later.
    path = Path(value)
    if not path.is_absolute() or "\0" in value:
        return "must be an absolute path"
    if path.resolve() == Path("/"):
        return "must not be the root of the file system"
    return None


def _parts(address: str) -> SplitResult | None:
    """None for a malformed URL; some parts are only checked when they are read."""
    try:
        parts = urlsplit(address)
        _, _ = parts.hostname, parts.port
    except ValueError:
        return None
    return parts


def check_renditions(value: str) -> str | None:
    if value not in RENDITION_POLICIES:
        return f"must be one of {', '.join(RENDITION_POLICIES)}"
    return None


def check_video_encoder(value: str) -> str | None:
    if value not in VIDEO_ENCODERS:
        return f"must be one of {', '.join(VIDEO_ENCODERS)}"
    return None


def check_days(value: str) -> str | None:
    if not value.isascii() or not value.isdecimal() or int(value) > MOST_BIN_DAYS:
        return f"must be a whole number of days, from 0 to {MOST_BIN_DAYS}"
    return None


def check_trigger_source(value: str) -> str | None:
    if value not in _TRIGGER_SOURCES:
        return f"must be one of {', '.join(_TRIGGER_SOURCES)}"
    return None
