"""Brings the database of DATABASE_URL up to date: `python -m shared.migrate`.

It finds and signs in to the database as the app does: with KEY_VAULT_URL, or as an identity.

yoyo keeps the books; `shared/migrations/*.sql` are plain SQL that `psql -1 -f` runs as well,
in the order of their numbers, as often as you like. Each file is one transaction. An advisory
lock makes a second runner wait; Postgres drops it when its holder dies, however it dies.
"""

import sys
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import yoyo

from shared.app_identity import AppIdentity
from shared.login import parameters_for
from shared.settings import read_database_url

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x636C_6970_6C69_6E6B  # "cliplink"


def migrate(database_url: str, identity: AppIdentity | None = None) -> list[str]:
    """Applies what is missing and returns the names of it."""
    parameters = parameters_for(database_url, identity or AppIdentity())
    with psycopg.connect(**parameters, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        # yoyo picks its driver by the scheme: this one is psycopg 3.
        backend = yoyo.get_backend(f"postgresql+psycopg:///?{urlencode(parameters)}")
        try:
            missing = backend.to_apply(yoyo.read_migrations(str(MIGRATIONS)))
            backend.apply_migrations(missing)
        finally:
            backend.connection.close()
        return [migration.id for migration in missing]


if __name__ == "__main__":
    for name in migrate(read_database_url()):
        sys.stdout.write(f"applied {name}\n")
