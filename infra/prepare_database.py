"""Makes a database ready for the app: the database, its schema, the app's role and its rights.

    python -m infra.prepare_database --url postgresql://admin@host/cliplink --app-role id-cliplink
        --app-object-id 00000000-...

The predeploy hook runs it, as an administrator of the server; it signs in as the app does, with an
Entra token (shared/postgres/login.py). It can be repeated; the first connection waits for a
firewall rule that is not yet in force. Database and tables belong to that administrator, who has to
be the same the next time. The app's role may read and change rows and nothing else: it owns
nothing, makes no tables, and cannot read the record of applied schema files.
"""

import argparse
import sys
import time
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from shared.auth.app_identity import AppIdentity
from shared.postgres.login import parameters_for
from shared.schema.apply import apply_schema

_ROLE_EXISTS = "SELECT 1 FROM pg_roles WHERE rolname = %s"
# Azure's own function, in the database postgres only: a role that Entra tokens of this object open;
# no administrator, no second factor.
# https://learn.microsoft.com/azure/postgresql/flexible-server/how-to-manage-azure-ad-users
_CREATE_ROLE = "SELECT pgaadauth_create_principal_with_oid(%s, %s, 'service', false, false)"

_DATABASE_EXISTS = "SELECT 1 FROM pg_database WHERE datname = %s"

_RIGHTS = """
REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role};
"""
_RECORDS = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public'
AND (tablename LIKE '\\_yoyo%' OR tablename = 'yoyo_lock')
"""


# Seconds between two attempts to connect.
_PAUSE = 5.0


def prepare(url: str, app_role: str, app_object_id: str, timeout: float = 0) -> list[str]:
    """Brings a database up to date and returns a line for everything that was new.

    `timeout` is how many seconds the server may refuse the first connection: Microsoft says that
    up to five minutes pass until a firewall rule works.
    """
    database = urlsplit(url).path.lstrip("/")
    done = []
    with _first_connection(urlsplit(url)._replace(path="/postgres").geturl(), timeout) as server:
        if not server.execute(_ROLE_EXISTS, [app_role]).fetchone():
            server.execute(_CREATE_ROLE, [app_role, app_object_id])
            done.append(f"made role {app_role}")
        if not server.execute(_DATABASE_EXISTS, [database]).fetchone():
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            done.append(f"made database {database}")
    done += [f"applied {name}" for name in apply_schema(url)]
    grant(url, app_role)
    return done


def grant(url: str, app_role: str) -> None:
    """Gives the app's role its rights on all existing tables."""
    role = sql.Identifier(app_role)
    with _connection(url) as connection, connection.transaction():
        rights = sql.SQL(_RIGHTS).format(database=sql.Identifier(connection.info.dbname), role=role)
        connection.execute(rights)
        for (table,) in connection.execute(_RECORDS).fetchall():
            revoke = sql.SQL("REVOKE ALL ON {} FROM {}")
            connection.execute(revoke.format(sql.Identifier(table), role))


def _first_connection(url: str, timeout: float) -> psycopg.Connection:
    deadline = time.monotonic() + timeout
    while True:
        try:
            return _connection(url)
        except psycopg.OperationalError as error:
            if time.monotonic() + _PAUSE > deadline:
                raise
            reason = str(error).strip().splitlines()[0]
            sys.stderr.write(f"waiting for the database: {reason}\n")
        time.sleep(_PAUSE)


def _connection(url: str) -> psycopg.Connection:
    return psycopg.connect(**parameters_for(url, AppIdentity()), autocommit=True)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.prepare_database")
    parser.add_argument("--url", required=True, help="the database, as its administrator")
    parser.add_argument("--app-role", required=True, help="name of the app's identity")
    parser.add_argument("--app-object-id", required=True, help="its object (principal) id in Entra")
    parser.add_argument(
        "--timeout", type=float, default=0, help="seconds to wait for the first connection"
    )
    given = parser.parse_args(arguments)
    for line in prepare(given.url, given.app_role, given.app_object_id, given.timeout):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
