"""Brings the schema of DATABASE_URL up to date: `python -m shared.migrate [--dry-run]`.

It finds and signs in to the database as the app does: with KEY_VAULT_URL, or as an identity.

`shared/schema/*.sql` are plain SQL that `psql -1 -f` runs as well, in the order of their numbers,
any number of times. Each file is applied in a transaction of its own, together with the row of
`_yoyo_migration` that records it. A second runner waits for the lock, which belongs to the
transaction: it ends with its holder, and holds behind a pooler too.

A statement may take as long as it needs, so there is no limit to it as the app has one. A host
that is gone is noticed: shared/postgres/login.py.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from shared.auth.app_identity import AppIdentity, NotSignedIn
from shared.postgres.login import parameters_for
from shared.settings import SettingsError, read_database_url

SCHEMA = Path(__file__).parent
_DONE, _USAGE, _OUT_OF_REACH = 0, 2, 3
# The tables of the service that this one replaces.
_OLD_TABLES = ("users", "videos", "clips", "clip_view_logs")

_LOCK = 0x636C_6970_6C69_6E6B  # "cliplink"
# A row for each file that was applied. Made by yoyo, which earlier versions used; the columns
# that it had besides may stay NULL.
_RECORDS = "_yoyo_migration"
_CREATE_RECORDS = """
    CREATE TABLE IF NOT EXISTS _yoyo_migration (
        migration_hash varchar(64) PRIMARY KEY,
        migration_id   varchar(255),
        applied_at_utc timestamp
    )
"""
_APPLIED = "SELECT migration_id FROM _yoyo_migration"
# yoyo's own key: the SHA-256 of the name.
_RECORD = """
    INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc)
    VALUES (%s, %s, now() AT TIME ZONE 'UTC')
"""
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
_AWAIT_LOCK = "SELECT pg_advisory_xact_lock(%s)"
# A lock with a key of 64 bits is listed in two halves.
_LOCK_HOLDER = """
    SELECT l.pid, coalesce(nullif(a.application_name, ''), 'unnamed'),
           coalesce(a.xact_start, a.backend_start)::timestamptz(0)
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.database = a.datid
      AND a.datname = current_database()
      AND (l.classid::bigint << 32) + l.objid::bigint = %s
"""


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to be applied: `files` are names and what each is about, in their order.

    `rows` are the numbers of rows in the tables of the old service, all of which stay.
    """

    files: Mapping[str, str]
    rows: Mapping[str, int]


def apply_schema(
    database_url: str,
    identity: AppIdentity | None = None,
    log: Callable[[str], object] = lambda _line: None,
) -> list[str]:
    """Applies the files that are pending and returns their names.

    `log` gets a sentence where another runner has to be waited for.
    """
    names: list[str] = []
    with _connected(database_url, identity) as connection:
        for file in _files():
            with connection.transaction():
                _lock(connection, log)
                connection.execute(_CREATE_RECORDS)
                if file.stem in applied(connection):
                    continue
                connection.execute(file.read_bytes())
                key = hashlib.sha256(file.stem.encode()).hexdigest()
                connection.execute(_RECORD, [key, file.stem])
            names.append(file.stem)
    return names


def pending(database_url: str, identity: AppIdentity | None = None) -> Pending:
    """What `apply_schema` would do now. Only reads, and waits for no lock."""
    with _connected(database_url, identity) as connection, connection.transaction():
        connection.execute("SET TRANSACTION READ ONLY")
        done = applied(connection) if _exists(connection, _RECORDS) else set[str]()
        files = {file.stem: _about(file) for file in _files() if file.stem not in done}
        tables = [table for table in _OLD_TABLES if _exists(connection, table)]
        return Pending(files, {table: _count(connection, table) for table in tables})


def applied(connection: psycopg.Connection) -> set[str]:
    """The names of the files that are on record."""
    return {name for (name,) in connection.execute(_APPLIED).fetchall()}


@contextmanager
def _connected(database_url: str, identity: AppIdentity | None) -> Iterator[psycopg.Connection]:
    parameters = parameters_for(database_url, identity or AppIdentity())
    # No statement is prepared by name: a pooler may give each transaction another connection.
    with psycopg.connect(**parameters, autocommit=True, prepare_threshold=None) as connection:
        yield connection


def _lock(connection: psycopg.Connection, log: Callable[[str], object]) -> None:
    """Only one runner at a time; the lock ends with the transaction."""
    if connection.execute(_TRY_LOCK, [_LOCK]).fetchone() == (True,):
        return
    holder = connection.execute(_LOCK_HOLDER, [_LOCK]).fetchone()
    if holder is not None:
        pid, name, since = holder
        log(
            "Waiting for another run of this command, which holds the lock of the schema: "
            f"server process {pid} ({name}), since {since.isoformat()}."
        )
    connection.execute(_AWAIT_LOCK, [_LOCK])


def _files() -> list[Path]:
    return sorted(SCHEMA.glob("*.sql"))


def _exists(connection: psycopg.Connection, table: str) -> bool:
    return connection.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,)


def _count(connection: psycopg.Connection, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    (count,) = connection.execute(query).fetchone() or (0,)
    return int(count)


def _about(file: Path) -> str:
    """The first sentence of the comment that a file begins with."""
    comment = ""
    for line in file.read_text().splitlines():
        if not line.startswith("--"):
            break
        comment += line.removeprefix("--")
    return comment.partition(". ")[0].strip().removesuffix(".") + "."


def main(arguments: Sequence[str] | None = None) -> int:
    """Applies the schema, or shows what is pending, line by line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m shared.migrate", description="Applies the schema to the database."
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only show what would be done; changes nothing"
    )
    dry_run = parser.parse_args(arguments).dry_run
    try:
        url = read_database_url()
        if dry_run:
            lines = _shown(pending(url))
        else:
            lines = [f"applied {name}" for name in apply_schema(url, log=_say)]
    except SettingsError as error:
        _say(str(error))
        return _USAGE
    except (psycopg.OperationalError, NotSignedIn) as error:
        _say(
            f"The database is unavailable: {error}\nEach file was applied completely or not at all."
        )
        return _OUT_OF_REACH
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return _DONE


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _shown(found: Pending) -> list[str]:
    lines = [f"would apply {name}: {about}" for name, about in found.files.items()]
    if not lines:
        lines.append("would apply nothing: the database is up to date")
    if found.rows:
        counts = ", ".join(f"{table} {count}" for table, count in found.rows.items())
        lines.append(f"rows that would stay: {counts}")
    return [*lines, "nothing was changed"]
