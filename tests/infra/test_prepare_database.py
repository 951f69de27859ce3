"""The database as the predeploy hook leaves it, on a real Postgres with a stand-in for Entra."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from infra import prepare_database
from infra.prepare_database import grant, main, prepare
from local import postgres
from shared.settings import Settings
from shared.settings.secret import Fixed
from tests.conftest import SetClock
from tests.services import AllServices, compose_all

APP_ROLE = "id-cliplink-test"
ADMINISTRATOR = "ada@example.com"
OBJECT_ID = "00000000-0000-0000-0000-0000000000cc"

_numbers = itertools.count(1)

# What Azure's servers bring along in the database postgres, as far as the hook sees it. The
# administrator is no superuser there either.
_ENTRA = f"""
CREATE ROLE "{ADMINISTRATOR}" LOGIN CREATEDB CREATEROLE;
CREATE TABLE principals (name text, object_id text, kind text, is_admin boolean, is_mfa boolean);
CREATE FUNCTION pgaadauth_create_principal_with_oid(text, text, text, boolean, boolean)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE format('CREATE ROLE %I LOGIN', $1);
    INSERT INTO principals VALUES ($1, $2, $3, $4, $5);
    RETURN 'Created role for ' || $1;
END $$;
"""


@pytest.fixture(scope="module")
def server(postgres_server: postgres.Server) -> Iterator[postgres.Server]:
    with psycopg.connect(postgres_server.database_url("postgres"), autocommit=True) as connection:
        connection.execute(_ENTRA)
        yield postgres_server
        connection.execute(
            "DROP FUNCTION pgaadauth_create_principal_with_oid; DROP TABLE principals"
        )


@pytest.fixture
def url(server: postgres.Server) -> str:
    """A database that is not there yet, as its administrator."""
    return as_role(server.database_url(f"prepared-{next(_numbers)}"), ADMINISTRATOR)


def as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    return parts._replace(
        netloc=f"{role.replace('@', '%40')}@{parts.netloc.rpartition('@')[2]}"
    ).geturl()


@pytest.fixture
def app_url(url: str) -> str:
    """A prepared database, as the app."""
    prepare(url, APP_ROLE, OBJECT_ID)
    return as_role(url, APP_ROLE)


def test_first_run_makes_everything_and_second_run_nothing(
    url: str, server: postgres.Server
) -> None:
    done = prepare(url, "id-first", OBJECT_ID)
    assert done[:2] == ["made role id-first", f"made database {urlsplit(url).path[1:]}"]
    assert len(done) > 3
    assert prepare(url, "id-first", OBJECT_ID) == []
    with psycopg.connect(server.database_url("postgres")) as connection:
        noted = connection.execute("SELECT * FROM principals WHERE name = 'id-first'").fetchall()
    assert noted == [("id-first", OBJECT_ID, "service", False, False)]


def test_preparation_waits_for_a_server_that_refuses_at_first(
    url: str, server: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall rule that is not yet in force takes effect after the first attempt."""
    with psycopg.connect(server.database_url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(ADMINISTRATOR)))
        pauses = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(ADMINISTRATOR)))

        monkeypatch.setattr("infra.prepare_database.time.sleep", pause)
        with pytest.raises(psycopg.OperationalError):
            prepare(url, "id-waiting", OBJECT_ID)
        assert prepare(url, "id-waiting", OBJECT_ID, timeout=60)[0] == "made role id-waiting"
        assert pauses == [prepare_database._PAUSE]


@pytest.fixture
def as_the_app(app_url: str, settings: Settings, clock: SetClock) -> Iterator[AllServices]:
    services = compose_all(replace(settings, database_url=Fixed(app_url)), clock)
    with services.database:
        yield services


def test_app_can_work_with_the_rights_of_its_role(as_the_app: AllServices) -> None:
    """It writes and reads; its cleanup goes through the tables."""
    user = as_the_app.users.id_of("alice", None)
    video = as_the_app.videos.add(user, "A video", None)
    assert list(as_the_app.videos.page(user, 10, None)) == [video]
    assert as_the_app.cleanup.run()["deletions_resumed"] == 0


FORBIDDEN = {
    "make a table": "CREATE TABLE mine (id int)",
    "make a temporary table": "CREATE TEMPORARY TABLE mine (id int)",
    "change a table": "ALTER TABLE clips ADD COLUMN mine int",
    "drop a table": "DROP TABLE clips",
    "empty a table at once": "TRUNCATE clips CASCADE",
    "make a role": "CREATE ROLE mine",
    "read the records of the migrations": "SELECT * FROM _yoyo_migration",
    "take a table over": 'ALTER TABLE clips OWNER TO "id-cliplink-test"',
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_role_of_the_app_cannot_do_more(app_url: str, statement: str) -> None:
    with (
        psycopg.connect(app_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


@pytest.mark.parametrize("right", ["SELECT", "INSERT", "UPDATE", "DELETE"])
def test_app_may_change_rows_of_every_table(app_url: str, right: str) -> None:
    query = """
    SELECT tablename, has_table_privilege('public.' || quote_ident(tablename), %s)
    FROM pg_tables WHERE schemaname = 'public'
    AND tablename NOT LIKE '\\_yoyo%%' AND tablename <> 'yoyo_lock'
    """
    with psycopg.connect(app_url) as connection:
        rows: list[tuple[str, bool]] = connection.execute(query, [right]).fetchall()
    tables = dict(rows)
    assert {"users", "videos", "clips", "deleted_clips"} <= tables.keys()
    assert all(tables.values())


def test_tables_of_a_later_migration_are_the_apps_too(url: str, app_url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE later (id int)")
    grant(url, APP_ROLE)
    with psycopg.connect(app_url) as connection:
        connection.execute("INSERT INTO later VALUES (1)")


def test_command_prints_its_steps(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--url", url, "--app-role", "id-second", "--app-object-id", OBJECT_ID]
    main(arguments)
    assert "made role id-second\n" in capsys.readouterr().out
    main(arguments)
    assert capsys.readouterr().out == ""
