"""Signing in to Postgres: with the password in DATABASE_URL, or as the app's identity.

Opens nothing by itself. It hands valid connection parameters to whoever opens connections,
and once more when a password was refused and the vault has another one by now.
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

type Parameters = dict[str, Any]
"""What libpq is told, by its names: texts, all of them."""

# A server of Azure in a public or a national cloud, and for whom its tokens are made.
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
# Where the URL does not say otherwise: give up on a host that does not answer, and on one that
# stopped answering, which is noticed 40 seconds later at the most.
DEFAULTS: Parameters = {
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

    def opened[Opened](self, connect: Callable[[Parameters], Opened]) -> Opened:
        """What `connect` makes of the parameters of libpq.

        Raises NotSignedIn where the identity gets no token, and whatever `connect` raises.
        """
        url = self._url.current()
        try:
            return connect(parameters_for(url, self._identity))
        except psycopg.OperationalError as error:
            another = self._url.replacement_for(url) if _is_refusal(error) else None
            if another is None:
                raise
        return connect(parameters_for(another, self._identity))


def parameters_for(url: str, identity: AppIdentity) -> Parameters:
    """What libpq needs to connect to `url` now; raises NotSignedIn."""
    said = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    parameters = DEFAULTS | said
    scope = _token_scope(parameters)
    if scope is not None:
        # The server is given the token as it is: never over a connection in the clear.
        if parameters.get("sslmode") not in _ENCRYPTED:
            parameters["sslmode"] = "require"
        parameters["password"] = identity.token(scope)
    if parameters.get("sslmode") == "verify-full" and not _knows_authorities(parameters):
        # `system` would not do: the driver's own OpenSSL looks where no system has certificates.
        parameters["sslrootcert"] = certifi.where()
    return parameters


def _knows_authorities(parameters: Parameters) -> bool:
    """Whether libpq is told, by any of its ways, whom to believe; without that it refuses."""
    told = {option.keyword: option.val for option in pq.Conninfo.get_defaults()}
    return bool(
        parameters.get("sslrootcert")
        or told.get(b"sslrootcert")
        or Path("~/.postgresql/root.crt").expanduser().exists()
    )


def _token_scope(parameters: Parameters) -> str | None:
    """Azure's own servers take a token instead of a password: there, for a user without one."""
    if "user" not in parameters or {"password", "passfile"} & parameters.keys():
        return None
    hosts = parameters.get("host", "").lower().split(",")
    for domain, scope in _TOKEN_SCOPES.items():
        if all(host.endswith(domain) for host in hosts):
            return scope
    return None


def _is_refusal(error: psycopg.OperationalError) -> bool:
    """Whether the server wanted a password and then did not let us in.

    libpq does not tell the SQLSTATE of a failed connection (28P01 or 28000 here). This takes
    in a few other faults, such as an absent database: one reading of the vault too many.
    """
    return error.pgconn is not None and (error.pgconn.used_password or error.pgconn.needs_password)
