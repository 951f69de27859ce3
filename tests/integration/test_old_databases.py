"""Awkward databases of the old service: dry runs, many runners at once, killed runners."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from clips.http.views import clips as views
from shared.model.clip import ClipStatus
from shared.model.user import Viewer
from shared.schema.apply import _LOCK, SCHEMA, apply_schema, pending
from shared.settings import from_mapping
from tests.integration.pooler import pooled
from tests.integration.test_migrations import (
    VARIANTS,
    by_library,
    by_psql,
    make_legacy,
    shape,
    snapshot,
)
from tests.services import compose_all

FILES = sorted(file.stem for file in SCHEMA.glob("*.sql"))
COMMAND = [sys.executable, "-m", "shared.migrate"]

# What careless years leave behind, as far as the old constraints allowed it.
AWKWARD_USERS = {
    "password": """
        INSERT INTO users VALUES
            ('10000000-0000-4000-8000-000000000001', 'ELODIE@Example.ORG', '', NULL, '', NULL),
            ('10000000-0000-4000-8000-000000000002', 'é li@example.org', 'x', '李', 'O''Neil',
             '1970-01-01')
    """,
    "clerk": """
        INSERT INTO users VALUES
            ('10000000-0000-4000-8000-000000000001', NULL, 'user_É', NULL, '', '0001-01-01'),
            ('10000000-0000-4000-8000-000000000002', '', 'USER_é', '李', 'O''Neil', 'infinity')
    """,
}
AWKWARD_ROWS = r"""
INSERT INTO videos VALUES
    ('20000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001',
     NULL, NULL, NULL, NULL),
    ('20000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000001',
     repeat('y', 32), repeat('🎬', 255), 'failed', '1999-12-31 23:59:59.999999'),
    ('20000000-0000-4000-8000-000000000003', '10000000-0000-4000-8000-000000000002',
     '', E'two\nlines\t\\ "quoted" <b>', 'processing', '2024-03-31 02:30:00');
INSERT INTO clips
SELECT ('30000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
       '20000000-0000-4000-8000-000000000002', url, 0.1 * n, 0.1 * n + 0.05, 1, NULL
FROM unnest(ARRAY[
    's3://bucket/a b/ünï.mp4', 's3://bucket/%C3%BC%25.mp4', 'file:///mnt/clips/1.mp4',
    '/mnt/clips/2.mp4', 'C:\clips\3.mp4', 'https://user:secret@old.example.org/4.mp4?sig=%2B#t=1',
    'https://bücher.example/5.mp4', '', ' ', 'rubbish', '日本語/六.mp4', repeat('x', 1024),
    's3://bucket/a b/ünï.mp4', E'a\nb', '%', 'http://[broken'
]) WITH ORDINALITY AS old (url, n);
INSERT INTO clips VALUES
    ('30000000-0000-4000-8000-000000000099', '20000000-0000-4000-8000-000000000003',
     's3://bucket/long.mp4', 0, 1e9, 2147483647, '-infinity');
INSERT INTO clip_view_logs (user_id, clip_id, viewed_at)
SELECT CASE WHEN n % 2 = 0 THEN '10000000-0000-4000-8000-000000000002'::uuid END,
       '30000000-0000-4000-8000-000000000001', CASE WHEN n % 3 = 0 THEN NULL ELSE now() END
FROM generate_series(1, 1000) n;
"""


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def old_url(empty_database_url: str, variant: str) -> str:
    """A database with thousands of rows, some of them unusual."""
    make_legacy(empty_database_url, variant)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(AWKWARD_USERS[variant].encode())
        connection.execute(AWKWARD_ROWS.encode())
    return empty_database_url


def contents(url: str) -> dict[str, list[object]]:
    """The stored rows; a video without a status counts as pending, which the schema makes it."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        found = snapshot(connection)
    for video in found["videos"]:
        assert isinstance(video, dict)
        video["status"] = video["status"] or "pending"
    return found


def command(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )


def test_awkward_rows_are_kept_unchanged(old_url: str, database_url: str) -> None:
    before = contents(old_url)
    apply_schema(old_url)
    assert contents(old_url) == before
    assert shape(old_url) == shape(database_url)


@pytest.mark.parametrize("ways", [(by_psql, by_library), (by_library, by_psql)])
def test_runner_and_psql_may_be_mixed(
    old_url: str, database_url: str, ways: tuple[Callable[[str], None], ...]
) -> None:
    before = contents(old_url)
    for way in ways:
        way(old_url)
    assert (contents(old_url), shape(old_url)) == (before, shape(database_url))


def test_api_shows_the_old_rows(environment: dict[str, str], old_url: str, variant: str) -> None:
    """It shows every clip and video of an old user, even unusual ones, with the number of views."""
    apply_schema(old_url)
    services = compose_all(from_mapping(environment | {"DATABASE_URL": old_url}))
    with services.database:
        identity = ("user_É", None) if variant == "clerk" else ("new", "elodie@example.org")
        viewer = Viewer(services.users.id_of(*identity))
        videos = services.videos.page(viewer.user_id, 100, None)
        assert [video.status for video in videos] == ["pending", "failed"]
        assert {video.title for video in videos} == {None, "🎬" * 255}
        listed = services.clips.page(viewer, videos[1].id, 1000, None, None)
        assert len(listed) == 16
        for clip in listed:
            shown = views.clip(clip, None)
            assert shown["status"] is ClipStatus.AWAITING_UPLOAD
            assert shown["media"] is None
        assert [clip.view_count for clip in listed] == [1000] + [0] * 15


def test_dry_run_prints_the_changes_and_makes_none(old_url: str) -> None:
    before, old_shape = contents(old_url), shape(old_url)
    with psycopg.connect(old_url) as connection:
        catalogue = connection.execute("SELECT oid, relname FROM pg_class ORDER BY oid").fetchall()
    said = command(old_url, "--dry-run").stdout.splitlines()
    assert [line.split(":")[0] for line in said[: len(FILES)]] == [
        f"would apply {name}" for name in FILES
    ]
    assert all(len(line.partition(": ")[2]) > 20 for line in said[: len(FILES)])
    assert said[len(FILES) :] == [
        "rows that would stay: users 52, videos 203, clips 3017, clip_view_logs 4000",
        "nothing was changed",
    ]
    with psycopg.connect(old_url) as connection:
        now = connection.execute("SELECT oid, relname FROM pg_class ORDER BY oid").fetchall()
    assert (contents(old_url), shape(old_url), now) == (before, old_shape, catalogue)
    assert apply_schema(old_url) == FILES


def test_dry_run_of_a_current_schema_prints_no_change(database_url: str) -> None:
    assert pending(database_url).files == {}
    assert "would apply nothing" in command(database_url, "--dry-run").stdout


def test_dry_run_skips_applied_files(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id = %s", [FILES[-1]])
    assert list(pending(database_url).files) == FILES[-1:]


def test_dry_run_of_an_empty_database_counts_no_rows(empty_database_url: str) -> None:
    found = pending(empty_database_url)
    assert (list(found.files), found.rows) == (FILES, {})


def test_many_instances_at_once_apply_each_file_once(old_url: str, database_url: str) -> None:
    """The instances are processes, on a database with rows."""
    before = contents(old_url)
    running = [
        subprocess.Popen(COMMAND, env={"DATABASE_URL": old_url}, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * 4
    assert sorted("".join(said).split("\n")) == ["", *(f"applied {name}" for name in FILES)]
    assert (contents(old_url), shape(old_url)) == (before, shape(database_url))


def test_killed_runner_leaves_only_complete_files(old_url: str, database_url: str) -> None:
    """It is killed at any moment; the next runner applies the missing files without waiting."""
    before = contents(old_url)
    for pause in (0.3, 0.5, 0.6, 0.7, 0.8):
        process = subprocess.Popen(COMMAND, env={"DATABASE_URL": old_url})
        time.sleep(pause)
        process.kill()
        process.wait()
    apply_schema(old_url)
    assert apply_schema(old_url) == []
    assert (contents(old_url), shape(old_url)) == (before, shape(database_url))


# The tables of yoyo, which recorded the files in earlier versions of this service.
YOYO = """
ALTER TABLE _yoyo_migration RENAME TO made_here;
CREATE TABLE _yoyo_migration (
    migration_hash varchar(64), migration_id varchar(255), applied_at_utc timestamp,
    PRIMARY KEY (migration_hash)
);
INSERT INTO _yoyo_migration SELECT * FROM made_here;
DROP TABLE made_here;
CREATE TABLE yoyo_lock (
    locked int DEFAULT 1, ctime timestamp, pid int NOT NULL, PRIMARY KEY (locked)
);
INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 4242);
"""


@pytest.mark.parametrize("missing", [0, 1, 3])
def test_database_of_an_earlier_version_gets_the_missing_files(
    database_url: str, missing: int
) -> None:
    """The row of a killed runner in yoyo's table of locks has no effect."""
    last = FILES[len(FILES) - missing :]
    with psycopg.connect(database_url) as connection:
        connection.execute(YOYO.encode())
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id = ANY(%s)", [last])
    assert list(pending(database_url).files) == last
    assert apply_schema(database_url) == last
    assert apply_schema(database_url) == []


class TestLock:
    """A runner that waits for the lock names the holder, and continues when the holder ends."""

    def test_waiting_runner_names_the_one_it_waits_for(self, database_url: str) -> None:
        said: list[str] = []
        with psycopg.connect(database_url, application_name="another run") as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            pid = other.info.backend_pid

            def end_the_other(line: str) -> None:
                said.append(line)
                other.rollback()

            assert apply_schema(database_url, log=end_the_other) == []
        (line,) = said
        assert f"server process {pid} (another run)" in line

    def test_lock_for_another_purpose_is_not_waited_for(self, database_url: str) -> None:
        with psycopg.connect(database_url) as other:
            other.execute("SELECT pg_advisory_xact_lock(1)")
            assert apply_schema(database_url, log=pytest.fail) == []

    def test_runner_leaves_no_lock_behind(self, empty_database_url: str) -> None:
        """A pooler's connection outlives the runner, and holds no lock either."""
        with psycopg.connect(empty_database_url) as watching:
            apply_schema(empty_database_url)
            locks = watching.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'")
            assert locks.fetchall() == []

    @pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="pgbouncer is not installed")
    def test_runs_through_a_transaction_pooler_end(
        self, empty_database_url: str, tmp_path: Path
    ) -> None:
        with pooled(empty_database_url, tmp_path) as url:
            assert command(url, "--dry-run").stdout.count("would apply") == len(FILES)
            assert command(url).stdout.count("applied") == len(FILES)
            for _ in range(3):
                assert command(url).stdout == ""
            assert "would apply nothing" in command(url, "--dry-run").stdout


def test_every_schema_file_begins_with_a_comment() -> None:
    """Its first comment is what a dry run shows."""
    for file in Path(SCHEMA).glob("*.sql"):
        assert file.read_text().startswith("-- "), file.name
