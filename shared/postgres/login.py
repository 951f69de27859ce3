"""Signing in to Postgres: with the password in DATABASE_URL, or as the app's identity.

Opens no connection. It gives valid connection parameters to the function that opens one, and
calls it once more if a password was refused and the vault now has another one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi
import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from shared.auth.app_identity import AppIdentity
from shared.settings.secret import Secret

# Parameters of libpq by name; all values are texts.
type LoginParameters = dict[str, Any]

# Domains of Azure's servers in the public and national clouds, with the scope of their tokens.
# https://learn.microsoft.com/azure/postgresql/security/security-entra-configure
_TOKEN_SCOPES = {
    ".postgres.database.azure.com": "https://ossrdbms-aad.database.windows.net/.default",
    ".postgres.database.usgovcloudapi.net": (
        "https://ossrdbms-aad.database.usgovcloudapi.net/.default"
    ),
    ".postgres.database.chinacloudapi.cn": (
        "https://ossrdbms-aad.database.chinacloudapi.cn/.default"
    ),
}
_ENCRYPTED = {"require", "verify-ca", "verify-full"}
# Defaults, which the URL may override: give up on a host that does not answer, and on one that
# stopped answering, which is noticed at most 40 seconds later.
DEFAULTS: LoginParameters = {
    "connect_timeout": "3",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "tcp_user_timeout": "10000",
    "application_name": "cliplink",
}


class DatabaseLogin:
    """Signs in to the database of a URL; threads may share it."""

    def __init__(self, url: Secret, identity: AppIdentity) -> None:
        self._url = url
        self._identity = identity

    def opened[Opened](self, connect: Callable[[LoginParameters], Opened]) -> Opened:
        """What `connect` makes of the parameters of libpq.

        Raises NotSignedIn if the identity gets no token, and any exception of `connect`.
        """
        url = self._url.current()
        try:
            return connect(parameters_for(url, self._identity))
        except psycopg.OperationalError as error:
            another = self._url.replacement_for(url) if _is_refusal(error) else None
            if another is None:
                raise
        return connect(parameters_for(another, self._identity))


def parameters_for(url: str, identity: AppIdentity) -> LoginParameters:
    """The parameters with which libpq connects to `url` now; raises NotSignedIn."""
    said = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    parameters = DEFAULTS | said
    scope = _token_scope(parameters)
    if scope is not None:
        # The token is sent as plain text: never over an unencrypted connection.
        if parameters.get("sslmode") not in _ENCRYPTED:
            parameters["sslmode"] = "require"
        parameters["password"] = identity.token(scope)
    if parameters.get("sslmode") == "verify-full" and not _has_trusted_cas(parameters):
        # `system` does not work: the driver's own OpenSSL searches a folder that no system has.
        parameters["sslrootcert"] = certifi.where()
    return parameters


def _has_trusted_cas(parameters: LoginParameters) -> bool:
    """Whether any option of libpq names trusted CAs; without them it refuses to connect."""
    options = {option.keyword: option.val for option in pq.Conninfo.get_defaults()}
    return bool(
        parameters.get("sslrootcert")
        or options.get(b"sslrootcert")
        or Path("~/.postgresql/root.crt").expanduser().exists()
    )


def _token_scope(parameters: LoginParameters) -> str | None:
    """The scope of the token that replaces the password, for Azure's servers; else None."""
    if "user" not in parameters or {"password", "passfile"} & parameters.keys():
        return None
    hosts = parameters.get("host", "").lower().split(",")
    for domain, scope in _TOKEN_SCOPES.items():
        if all(host.endswith(domain) for host in hosts):
            return scope
    return None


def _is_refusal(error: psycopg.OperationalError) -> bool:
    """Whether the server asked for a password and then refused the connection.

    libpq does not expose the SQLSTATE of a failed connection (28P01 or 28000 here). A few other
    errors, such as an absent database, count as well: they cost one needless read of the vault.
    """
    return error.pgconn is not None and (error.pgconn.used_password or error.pgconn.needs_password)
