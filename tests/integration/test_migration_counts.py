"""The counts of a migration are exact, and cost one row to read."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from shared.catalogue.migration import migration_count_queries as migration_counts
from shared.catalogue.migration import migration_file_queries as migration_files
from shared.catalogue.migration import migration_queries as migrations
from shared.catalogue.migration.migration_file_queries import (
    MAX_ATTEMPTS,
    FileResult,
    FileState,
    MigrationFiles,
)
from shared.catalogue.migration.migration_queries import Migrations
from shared.model.failure import Failure
from shared.schema.apply import SCHEMA
from tests.integration.migrating import counts, let_leases_run_out, planned
from tests.services import AllServices


def counted(services: AllServices, migration_id: UUID) -> tuple[int, int, int, int]:
    """The counts, computed from all files."""
    rows = services.database.all(
        "SELECT path, clip_id, state FROM migration_items WHERE migration_id = %(id)s",
        {"id": migration_id},
    )
    of_clip: dict[object, set[str]] = {}
    for row in rows:
        if row["state"] != "unmatched":
            of_clip.setdefault(row["clip_id"] or row["path"], set()).add(row["state"])
    failed = [states for states in of_clip.values() if "failed" in states]
    done = [states for states in of_clip.values() if not states & {"failed", "waiting"}]
    moved = [states for states in done if "migrated" in states]
    return (len(of_clip), len(moved), len(done) - len(moved), len(failed))


def test_counts_are_right_in_any_order_of_finished_files(services: AllServices) -> None:
    """Clips with one to three files; batches that are simultaneous, interrupted, late, or ended."""
    plans, files = Migrations(services.database), MigrationFiles(services.database)
    migration_id = plans.start(b"", 10)
    clips = [uuid4() for _ in range(60)]
    files.add(
        migration_id,
        [planned(f"{n}/{clip}".encode(), clip) for n in range(3) for clip in clips[n * 20 :]],
    )
    files.add_unmatched(
        migration_id,
        [
            FileResult(
                b"unseen", FileState.FAILED, Failure("unreadable", "The file cannot be read.")
            ),
            FileResult(b"unmatched", FileState.UNMATCHED, Failure("no_clip", "No clip.")),
        ],
    )
    plans.planned(migration_id, [])
    outcomes = [FileState.MIGRATED, FileState.SKIPPED, FileState.FAILED, FileState.WAITING]

    def work(worker: int) -> None:
        chance = random.Random(worker)
        for _ in range(20):
            taken = files.take(migration_id, None, 3)
            states = [chance.choice(outcomes) for _ in taken]
            results = [
                FileResult(
                    file.path, state, Failure("x", "y") if state is FileState.FAILED else None
                )
                for file, state in zip(taken, states, strict=True)
            ]
            if chance.random() < 0.8:  # otherwise it dies
                for _ in range(chance.choice([1, 2])):
                    files.record_results(migration_id, results)

    for _ in range(MAX_ATTEMPTS + 1):
        with ThreadPoolExecutor(4) as workers:
            list(workers.map(work, range(4)))
        assert counts(services.migrations.get(migration_id)) == counted(services, migration_id)
        let_leases_run_out(services)
    while files.any_left(migration_id):
        files.take(migration_id, None, 10)
        let_leases_run_out(services)
    files.give_up(migration_id, Failure("gave_up", "It was too much."))
    report = services.migrations.get(migration_id)
    assert counts(report) == counted(services, migration_id)
    assert sum(counts(report)[1:]) == counts(report)[0] == 61
    assert plans.finish(migration_id)
    assert counts(services.migrations.get(migration_id)) == counts(report)


def test_two_files_of_one_clip_finished_at_once_count_once(
    services: AllServices, database_url: str
) -> None:
    """Neither transaction sees the other's file finished before its commit."""
    plans, files = Migrations(services.database), MigrationFiles(services.database)
    migration_id, clip = plans.start(b"", 10), uuid4()
    files.add(migration_id, [planned(b"a.mp4", clip), planned(b"a.jpg", clip)])
    plans.planned(migration_id, [])
    with psycopg.connect(database_url) as held, ThreadPoolExecutor(2) as workers:
        held.execute("SELECT FROM migrations FOR UPDATE")
        results = [
            workers.submit(
                files.record_results, migration_id, [FileResult(path, FileState.MIGRATED)]
            )
            for path in (b"a.mp4", b"a.jpg")
        ]
        wait_until_locked_out(database_url, len(results))
        held.commit()
        for result in results:
            result.result()
    assert counts(services.migrations.get(migration_id)) == (1, 1, 0, 0)


def test_late_plan_counts_files_finished_meanwhile(
    services: AllServices, database_url: str
) -> None:
    """Its lease ended, another plan was faster, and the files of that plan are being moved."""
    plans, files = Migrations(services.database), MigrationFiles(services.database)
    migration_id = plans.start(b"", 10)
    files.add(migration_id, [planned(b"a.mp4"), planned(b"b.mp4")])
    plans.planned(migration_id, [])
    with psycopg.connect(database_url) as held, ThreadPoolExecutor(2) as workers:
        held.execute("SELECT FROM migrations FOR UPDATE")
        finished = [FileResult(b"a.mp4", FileState.MIGRATED)]
        results = [workers.submit(files.record_results, migration_id, finished)]
        wait_until_locked_out(database_url, 1)
        results.append(workers.submit(plans.planned, migration_id, []))
        wait_until_locked_out(database_url, 2)
        held.commit()
        for result in results:
            result.result()
    assert counts(services.migrations.get(migration_id)) == (2, 1, 0, 0)


def wait_until_locked_out(database_url: str, sessions: int) -> None:
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
    with psycopg.connect(database_url, autocommit=True) as watching:
        while watching.execute(waiting, [watching.info.dbname]).rowcount < sessions:
            watching.execute("SELECT pg_sleep(0.01)")


def test_schema_update_counts_existing_migrations(services: AllServices, database_url: str) -> None:
    """One migration has ended and one runs; one without a plan has no counts."""
    plans, files = Migrations(services.database), MigrationFiles(services.database)
    over, running, begun = (plans.start(name, 10) for name in (b"over", b"running", b"begun"))
    clip = uuid4()
    for migration_id in (over, running):
        paths = [(b"a.mp4", clip), (b"a.jpg", clip), (b"b.mp4", None), (b"c.mp4", None)]
        files.add(migration_id, [planned(path, of) for path, of in paths])
        failed = FileResult(b"b.mp4", FileState.FAILED, Failure("empty_file", "The file is empty."))
        files.record_results(migration_id, [FileResult(b"a.mp4", FileState.MIGRATED), failed])
        plans.planned(migration_id, [])
    rest = [FileResult(path, FileState.SKIPPED) for path in (b"a.jpg", b"c.mp4")]
    files.record_results(over, rest)
    assert plans.finish(over)
    before = [services.migrations.get(migration_id) for migration_id in (over, running, begun)]
    assert [counts(report) for report in before] == [(3, 1, 1, 1), (3, 0, 0, 1), (0, 0, 0, 0)]
    services.database.run(
        "UPDATE migrations SET total = 0, migrated = 0, skipped = 0, failed = 0", {}
    )
    file = SCHEMA / "008_counts_of_migrations.sql"
    with psycopg.connect(database_url) as connection:
        connection.execute(file.read_bytes())
    after = [services.migrations.get(migration_id) for migration_id in (over, running, begun)]
    assert after == before


# --- What it costs


def test_batch_reads_only_its_own_files(services: AllServices, database_url: str) -> None:
    """Right after the plan, before statistics include its files."""
    migration_id = Migrations(services.database).start(b"", 10)
    paths = [f"{number:05}.mp4".encode() for number in range(3000)]
    MigrationFiles(services.database).add(migration_id, map(planned, paths))
    taking = {"message": "one", "limit": 10, "lease": migration_files.LEASE, "least": 0, "most": 0}
    settling = {"paths": paths[:2], "states": ["migrated"] * 2, "codes": [None] * 2}
    with psycopg.connect(database_url) as connection:
        # As if there were a hundred times as many.
        connection.execute(
            "UPDATE pg_class SET relpages = 1, reltuples = 5000 WHERE relname = 'migration_items'"
        )
        connection.execute(migration_files._IN_ORDER)
        steps = explained(
            connection, migration_files._TAKE, {"migration_id": migration_id, **taking}
        )
        taken = [step["Node Type"] for step in steps]
        assert "Sort" not in taken
        assert taken[taken.index("LockRows") + 1] == "Index Scan"
        steps = explained(
            connection,
            migration_files._RECORD_RESULTS,
            {"migration_id": migration_id, **settling, "details": [None] * 2},
        )
        (found,) = (step for step in steps if "migration_items" in str(step.get("Index Name")))
        assert "path = ANY" in found["Index Cond"]
        counting = {"id": migration_id, "paths": paths[:2], "clips": [uuid4(), uuid4()]}
        steps = explained(connection, migration_counts._ADD, counting)
        assert "migration_items_by_clip" in {step.get("Index Name") for step in steps}
        assert "Seq Scan" not in {step["Node Type"] for step in steps}


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (migrations._FAILURES, "migration_items_failures"),
        (migrations._UNMATCHED, "migration_items_unmatched"),
    ],
)
def test_reports_of_many_files_use_an_index(
    services: AllServices, database_url: str, query: str, index: str
) -> None:
    """This includes prepared statements, which are planned without their parameters."""
    migration_id = Migrations(services.database).start(b"", 10)
    with psycopg.connect(database_url) as connection:
        connection.execute("SET plan_cache_mode = force_generic_plan")
        prepared = query.replace("%(id)s", "$1").replace("%(limit)s", "$2")
        connection.execute(f"PREPARE report AS {prepared}".encode())
        given = f"'{migration_id}'" + (", 1000" if "$2" in prepared else "")
        steps = explained(connection, f"EXECUTE report ({given})", {})
    assert [step["Index Name"] for step in steps if "Index Name" in step] == [index]


def explained(
    connection: psycopg.Connection, query: str, parameters: dict[str, object]
) -> list[dict[str, Any]]:
    """The steps of the query plan, each before its inputs."""
    row = connection.execute(f"EXPLAIN (FORMAT JSON) {query}".encode(), parameters).fetchone()
    assert row is not None
    found, waiting = [], [row[0][0]["Plan"]]
    while waiting:
        found.append(waiting.pop())
        waiting += reversed(found[-1].get("Plans", []))
    return found
