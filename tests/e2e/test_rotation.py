"""The database password changes while the app runs on the local host."""

from pathlib import Path

import psycopg
from psycopg import sql

from local import postgres
from tests.e2e.app import Caller
from tests.e2e.conftest import NewApp
from tests.integration.roles import add_role, demand_passwords
from tests.integration.vault import serving_vault


def test_callers_do_not_notice_that_the_password_was_changed(
    new_app: NewApp, postgres_server: postgres.Server, tmp_path: Path
) -> None:
    demand_passwords(postgres_server)
    with serving_vault(tmp_path, {}) as vault:
        app = new_app(DATABASE_URL="", **vault.environment)
        of_owner = postgres_server.database_url(app.prefix)
        with psycopg.connect(of_owner, autocommit=True) as admin:
            role = add_role(admin, "old")
            rights = sql.SQL("GRANT pg_read_all_data, pg_write_all_data TO {}")
            admin.execute(rights.format(sql.Identifier(role.name)))
            vault.secrets["DATABASE-URL"] = role.url("old")
            with app.running(), app.client() as client:
                alice = Caller(client)
                video = alice.video()
                role.set_password("new")
                vault.secrets["DATABASE-URL"] = role.url("new")
                role.end_connections()
                assert client.get(f"/videos/{video}").status_code == 200
        assert vault.asked.count("DATABASE-URL") == 2
