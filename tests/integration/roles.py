"""Roles of Postgres that must give their password; all others are trusted without one."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from local import postgres

_PREFIX = "secured_"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Role:
    """A role that may sign in to the test's database; `admin` is a connection of the owner."""

    admin: psycopg.Connection
    name: str

    def set_password(self, password: str) -> None:
        self._alter(sql.SQL("PASSWORD {}").format(password))

    def forbid_login(self) -> None:
        self._alter(sql.SQL("NOLOGIN"))

    def end_connections(self) -> None:
        """Ends its connections, as a failover does; returns when they have ended."""
        self.admin.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = %s",
            [self.name],
        )

    def url(self, password: str) -> str:
        info = self.admin.info
        return f"postgresql://{self.name}:{password}@{info.host}:{info.port}/{info.dbname}"

    def _alter(self, what: sql.Composable) -> None:
        self.admin.execute(sql.SQL("ALTER ROLE {} ").format(sql.Identifier(self.name)) + what)


def add_role(admin: psycopg.Connection, password: str) -> Role:
    role = Role(admin, f"{_PREFIX}{next(_numbers)}")
    admin.execute(
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role.name), password)
    )
    return role


def demand_passwords(server: postgres.Server) -> None:
    """Makes the server ask these roles for a password, as real servers ask all roles."""
    with psycopg.connect(server.database_url("postgres"), autocommit=True) as admin:
        found = admin.execute("SHOW hba_file").fetchone()
        assert found is not None
        rules = Path(found[0])
        rule = f"host all /^{_PREFIX} 127.0.0.1/32 scram-sha-256\n"
        rules.write_text(rule + rules.read_text())
        admin.execute("SELECT pg_reload_conf()")
        role = add_role(admin, "right")
        while _accepts(role.url("wrong")):
            admin.execute("SELECT pg_sleep(0.01)")


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
