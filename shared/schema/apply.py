"""Brings the database of DATABASE_URL up to date: `python -m shared.migrate [--dry-run]`.

It finds and signs in to the database as the app does: with KEY_VAULT_URL, or as an identity.

yoyo keeps the books; `shared/schema/*.sql` are plain SQL that `psql -1 -f` runs as well,
in the order of their numbers, as often as you like. Each file is one transaction. An advisory
lock makes a second runner wait; Postgres drops it when its holder dies, however it dies.

A statement may take as long as it needs, so there is no limit to it as the app has one. A host
that is gone is noticed: shared/postgres/login.py.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import yoyo
from psycopg import sql

from shared.auth.app_identity import AppIdentity, NotSignedIn
from shared.postgres.login import parameters_for
from shared.settings import SettingsError, read_database_url

MIGRATIONS = Path(__file__).parent
_DONE, _USAGE, _OUT_OF_REACH = 0, 2, 3
_LOCK = 0x636C_6970_6C69_6E6B  # "cliplink"
# What the service before this one had, where it was.
_OLD_TABLES = ("users", "videos", "clips", "clip_view_logs")
# Where yoyo notes what was applied.
_BOOKS = "_yoyo_migration"


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a migration would do: `missing` are names and what each is about, in their order.

    `rows` are those of the tables that are there now; a migration loses none.
    """

    missing: Mapping[str, str]
    rows: Mapping[str, int]


def migrate(database_url: str, identity: AppIdentity | None = None) -> list[str]:
    """Applies what is missing and returns the names of it."""
    parameters = parameters_for(database_url, identity or AppIdentity())
    with psycopg.connect(**parameters, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        # yoyo picks its driver by the scheme: this one is psycopg 3.
        backend = yoyo.get_backend(f"postgresql+psycopg:///?{urlencode(parameters)}")
        try:
            # yoyo's own lock is a row, which outlives a runner that was killed; ours is held here.
            backend.break_lock()
            files = yoyo.read_migrations(str(MIGRATIONS)).filter(lambda m: m.path.endswith(".sql"))
            missing = backend.to_apply(files)
            backend.apply_migrations(missing)
        finally:
            backend.connection.close()
        return [migration.id for migration in missing]


def look_ahead(database_url: str, identity: AppIdentity | None = None) -> Prospect:
    """What `migrate` would do now. Only reads, and waits for nobody."""
    parameters = parameters_for(database_url, identity or AppIdentity())
    with psycopg.connect(**parameters) as connection:
        connection.read_only = True
        applied = set[str]()
        if _exists(connection, _BOOKS):
            rows = connection.execute("SELECT migration_id FROM _yoyo_migration").fetchall()
            applied = {name for (name,) in rows}
        files = sorted(MIGRATIONS.glob("*.sql"))
        missing = {file.stem: _about(file) for file in files if file.stem not in applied}
        there = [table for table in _OLD_TABLES if _exists(connection, table)]
        return Prospect(missing, {table: _count(connection, table) for table in there})


def _exists(connection: psycopg.Connection, table: str) -> bool:
    return connection.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,)


def _count(connection: psycopg.Connection, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    (count,) = connection.execute(query).fetchone() or (0,)
    return int(count)


def _about(file: Path) -> str:
    """The first sentence of the comment that a migration begins with."""
    comment = ""
    for line in file.read_text().splitlines():
        if not line.startswith("--"):
            break
        comment += line.removeprefix("--")
    return comment.partition(". ")[0].strip().removesuffix(".") + "."


def main(arguments: Sequence[str] | None = None) -> int:
    """Migrates, or tells what it would do, says so line by line, and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m shared.migrate", description="Brings the database up to date."
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only tell what would be done; changes nothing"
    )
    dry_run = parser.parse_args(arguments).dry_run
    try:
        url = read_database_url()
        lines = _told(look_ahead(url)) if dry_run else [f"applied {name}" for name in migrate(url)]
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return _USAGE
    except (psycopg.OperationalError, NotSignedIn) as error:
        sys.stderr.write(f"The database is out of reach: {error}\nNo file is applied by half.\n")
        return _OUT_OF_REACH
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return _DONE


def _told(prospect: Prospect) -> list[str]:
    lines = [f"would apply {name}: {about}" for name, about in prospect.missing.items()]
    if not lines:
        lines.append("would apply nothing: the database is up to date")
    if prospect.rows:
        counts = ", ".join(f"{table} {count}" for table, count in prospect.rows.items())
        lines.append(f"rows that would stay: {counts}")
    return [*lines, "nothing was changed"]
