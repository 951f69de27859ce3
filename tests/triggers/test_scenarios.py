"""The whole app, driven by the local host's triggers and by Microsoft's own: both do the same.

Each scenario says what has to come out, and records the calls and messages, which have to be the
same for both. They share two running installations for each kind.
"""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

from tests.e2e.app import Caller, wait_for
from tests.e2e.test_outages import run_cleanup_later
from tests.migration.old_service import OldService
from tests.triggers.conftest import Records
from tests.triggers.installation import MICROSOFT, Installation

OK, FAILED = ("clip_landed", "ok"), ("clip_landed", "failed")
# Long enough that five tries at once, or five that each wait for a connection, would be over.
# 40 s is longer than the pauses of either host; the default keeps the test short.
_OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS") or 6)
_UPLOADS = 20


@contextmanager
def alice_of(installation: Installation) -> Iterator[Caller]:
    with installation.app.client("alice") as client:
        yield Caller(client)


def name_of(clip: dict[str, Any]) -> str:
    """The name of the blob of a clip that was announced."""
    return str(clip["upload"]["url"]).partition("-clips/")[2].partition("?")[0]


def announced(alice: Caller, installation: Installation, film: bytes) -> tuple[str, str]:
    """A clip that was uploaded, past the gate; its id and the name of its blob."""
    clip = alice.announce(alice.video())
    name = name_of(clip)
    installation.app.put_blob(name, film)
    return str(clip["id"]), name


def outcomes_of(calls: list[tuple[str, str]]) -> str:
    return ", ".join(f"{function} {outcome}" for function, outcome in calls)


def wait_for_calls(installation: Installation, name: str, count: int) -> list[tuple[str, str]]:
    wait_for(
        lambda: True if len(installation.calls(name)) >= count else None, f"{count} calls of {name}"
    )
    return installation.calls(name)


def record_calls(
    records: Records,
    installation: Installation,
    scenario: str,
    name: str,
    calls: list[tuple[str, str]],
) -> None:
    """Records the calls for one blob, and its poison messages."""
    poison = installation.poison(name)
    records.add(scenario, installation.mode, (outcomes_of(calls), poison))


# --- Without faults


def test_event_makes_an_upload_ready(
    with_events: Installation, film: bytes, records: Records
) -> None:
    with alice_of(with_events) as alice:
        clip_id, name = announced(alice, with_events, film)
        with_events.deliver(name)
        assert alice.settled(clip_id)["status"] == "ready"
    calls = wait_for_calls(with_events, name, 1)
    assert calls == [OK]
    record_calls(records, with_events, "upload to ready by Event Grid", name, calls)


def test_polling_makes_an_upload_ready(polled: Installation, film: bytes, records: Records) -> None:
    with alice_of(polled) as alice:
        clip_id, name = announced(alice, polled, film)
        assert alice.settled(clip_id)["status"] == "ready"
    calls = wait_for_calls(polled, name, 1)
    assert calls == [OK]
    record_calls(records, polled, "upload to ready by polling", name, calls)


# --- Changed in the middle


def test_overwritten_blob_is_processed_in_its_newest_version(
    with_events: Installation, film: bytes, records: Records
) -> None:
    with alice_of(with_events) as alice:
        clip_id, name = announced(alice, with_events, b"no film at all" * 100)
        with_events.gate.stop_at("GET", name)
        with_events.deliver(name)
        assert with_events.gate.reached.wait(90)
        with_events.app.put_blob(name, film)
        with_events.deliver(name)
        with_events.gate.open()
        calls = wait_for_calls(with_events, name, 2)
        assert alice.settled(clip_id)["status"] == "ready"
    assert calls == [OK, OK]
    record_calls(records, with_events, "overwritten in the middle", name, calls)


def test_blob_deleted_in_the_middle_is_no_failed_call(
    with_events: Installation, film: bytes, records: Records
) -> None:
    with alice_of(with_events) as alice:
        _, name = announced(alice, with_events, film)
        with_events.gate.stop_at("GET", name)
        with_events.deliver(name)
        assert with_events.gate.reached.wait(90)
        with BlobServiceClient.from_connection_string(
            with_events.app.account.connection_string
        ) as client:
            client.get_blob_client(f"{with_events.app.prefix}-clips", name).delete_blob()
        with_events.gate.open()
        calls = wait_for_calls(with_events, name, 1)
        with_events.deliver(name)  # of a blob that is gone: there is no call
    assert calls == [OK]
    record_calls(records, with_events, "deleted in the middle", name, calls)


# --- Faults


def test_five_failures_end_in_the_poison_queue_and_reconciliation_goes_on(
    with_events: Installation, film: bytes, records: Records
) -> None:
    with alice_of(with_events) as alice:
        clip_id, name = announced(alice, with_events, film)
        started = time.monotonic()
        with with_events.broken_schema():
            with_events.deliver(name)
            wait_for(lambda: with_events.poison(name) or None, "the poison message")
        seconds = time.monotonic() - started
        calls = with_events.calls(name)
        assert calls == [FAILED] * 5
        (message,) = with_events.poison(name)
        run_cleanup_later(with_events.app)
        assert alice.clip(clip_id)["status"] == "ready"
    same = message.replace(with_events.app.prefix, "PREFIX")
    assert json.loads(same)["ETag"] == '"0x1"'
    records.add(
        "five failures, poison, reconciled", with_events.mode, (outcomes_of(calls), same), seconds
    )


def test_clips_uploaded_in_an_outage_are_processed_once(
    with_events: Installation, film: bytes, records: Records
) -> None:
    """Postgres and storage go away in the middle of twenty uploads: each is processed once."""
    with alice_of(with_events) as alice:
        clips = [alice.announce(alice.video()) for _ in range(_UPLOADS)]
        names = [name_of(clip) for clip in clips]

        def land(name: str) -> None:
            with_events.app.put_blob(name, film)
            with_events.deliver(name)

        with ThreadPoolExecutor(4) as uploads:
            list(uploads.map(land, names[: _UPLOADS // 2]))
            with_events.gate.is_away = True
            with with_events.database_away():
                list(uploads.map(land, names[_UPLOADS // 2 :]))
                time.sleep(_OUTAGE_SECONDS)
                with_events.gate.is_away = False
        started = time.monotonic()
        assert {alice.settled(str(clip["id"]))["status"] for clip in clips} == {"ready"}
        seconds = time.monotonic() - started
        attempts = [wait_for_calls(with_events, name, 1) for name in names]
    poisoned = [name for name in names if with_events.poison(name)]
    assert (Counter(map(tuple, attempts)), poisoned) == ({(OK,): _UPLOADS}, [])
    scenario = f"{_UPLOADS} uploads, {_OUTAGE_SECONDS:.0f} s of outage"
    records.add(scenario, with_events.mode, ("each once", poisoned), seconds)


def test_killed_functions_are_tried_again(
    with_events: Installation, film: bytes, records: Records
) -> None:
    with alice_of(with_events) as alice:
        clip_id, name = announced(alice, with_events, film)
        with_events.gate.stop_at("GET", name)
        with_events.deliver(name)
        assert with_events.gate.reached.wait(90)
        with_events.kill_functions()
        with_events.gate.open()
        with_events.start_functions()
        assert alice.settled(clip_id)["status"] == "ready"
        calls = wait_for_calls(with_events, name, 1)
    assert calls == [OK]
    record_calls(records, with_events, "functions killed in the middle", name, calls)


def test_killed_triggers_leave_the_call_to_its_end(
    with_events: Installation, film: bytes, records: Records
) -> None:
    """Its message comes back after ten minutes, and finds nothing to do."""
    if with_events.mode != MICROSOFT:
        pytest.skip("the local host's own triggers die with its functions: see the one before")
    with alice_of(with_events) as alice:
        clip_id, name = announced(alice, with_events, film)
        with_events.gate.stop_at("GET", name)
        with_events.deliver(name)
        assert with_events.gate.reached.wait(90)
        with_events.kill_triggers()
        with_events.gate.open()
        assert alice.settled(clip_id)["status"] == "ready"
        with_events.start_triggers()
        another_id, another = announced(alice, with_events, film)
        with_events.deliver(another)
        assert alice.settled(another_id)["status"] == "ready"
    calls = wait_for_calls(with_events, name, 1)
    assert calls == [OK]
    record_calls(records, with_events, "triggers killed in the middle", name, calls)


# --- The other triggers


def test_migration_of_several_batches_pauses_for_seconds_only(
    with_events: Installation, records: Records
) -> None:
    old = OldService(with_events.app.environment["DATABASE_URL"], with_events.app.share / "old")
    for number in range(5):
        old.clip_with_file(f"film {number}".encode() * 100)
    with with_events.app.client("operator", roles=["admin"]) as operator:
        started = operator.post("/migrate-clips", params={"batch_size": 2})
        assert started.status_code == 202, started.text
        path = f"/migrations/{started.json()['id']}"
        report = wait_for(
            lambda: done if (done := operator.get(path).json())["status"] == "done" else None,
            "the migration",
        )
    assert report["migrated"] == 5, report
    # The migration is done before its last call has ended: the plan, and three batches.
    migration_id = str(started.json()["id"])
    calls = wait_for_calls(with_events, migration_id, 4)
    seconds = [
        _second(line) for line in with_events.app.log.splitlines() if "migration_batch ok" in line
    ]
    rests = [after - before for before, after in pairwise(seconds)]
    assert max(rests) < 20, rests
    outcomes = {outcome for _, outcome in calls}
    records.add(
        "a migration in batches", with_events.mode, (outcomes, report["migrated"]), max(rests)
    )


def test_long_cleanup_never_overlaps_the_next(polled: Installation, records: Records) -> None:
    """Due every two seconds and longer than that: the next follows at once, and never beside it."""
    polled.gate.slow_listing = 2.5
    try:
        wait_for(lambda: True if len(long_cleanups(polled)) >= 3 else None, "three runs")
        by_hand = f"http://127.0.0.1:{polled.app.port}/admin/functions/cleanup"
        assert httpx.post(by_hand, json={"input": ""}).status_code == 202
        wait_for(
            lambda: True if "Another cleanup is running" in polled.app.log else None,
            "the run by hand",
        )
    finally:
        polled.gate.slow_listing = 0
    pauses = [after[0] - before[1] for before, after in pairwise(long_cleanups(polled))]
    assert min(pauses) > -0.2, pauses
    assert min(pauses) < 1, "until the next second that is due it would be 1.5"
    records.add("a cleanup that overruns", polled.mode, "follows at once, never beside")


def long_cleanups(installation: Installation) -> list[tuple[float, float]]:
    """The runs of the cleanup that overran, by the log: begin and end, in seconds."""
    lines = [line for line in installation.app.log.splitlines() if "cleanup ok" in line]
    ends = [_second(line) for line in lines]
    lengths = [int(found[1]) / 1000 for line in lines if (found := re.search(r"in (\d+) ms", line))]
    return [(end - length, end) for end, length in zip(ends, lengths, strict=True) if length > 2]


def _second(line: str) -> float:
    """The time of a line of the log, in seconds."""
    return datetime.fromisoformat(line[:23].replace(",", ".")).timestamp()
