"""Timer triggers through the real host."""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobServiceClient

from local.host import child
from tests.local.sample import Sample, request, wait_until

_EVERY_SECOND = "* * * * * *"


@pytest.fixture
def within_an_hour() -> None:
    """No full hour comes during the test, or `hourly` would run for that too."""
    while (now := datetime.now(UTC)).minute == 59 and now.second > 30:
        time.sleep(1)


def test_run_that_was_due_during_another_follows_at_once(sample: Sample) -> None:
    """Runs of 1.2 seconds, due every second: none overlaps, and none waits for a full second."""
    with sample.running(tick=_EVERY_SECOND):
        sample.wait_for_calls(3, "tick", phase="end")
    calls = sample.calls("tick")
    phases = [call["phase"] for call in calls]
    assert all(before != after for before, after in pairwise(phases)), phases
    assert not any(call["past_due"] for call in calls)
    pauses = [
        after["time"] - before["time"]
        for before, after in pairwise(calls)
        if before["phase"] == "end"
    ]
    assert min(pauses) < 0.7, "until the next full second it would be 0.8"


def test_run_by_hand_overlaps_a_scheduled_one(sample: Sample) -> None:
    """It neither waits for the other nor changes when the next one is due."""
    with sample.running(tick=_EVERY_SECOND) as host:
        sample.wait_for_calls(1, "tick", phase="begin")
        assert request(host, "POST", "/admin/functions/tick", b'{"input": ""}').status == 202
        sample.wait_for_calls(2, "tick", phase="end")
    phases = [call["phase"] for call in sample.calls("tick")]
    assert phases[:2] == ["begin", "begin"], phases


def test_timer_is_run_by_hand(shared_host: child.Host, shared_sample: Sample) -> None:
    """The answer does not wait for the run."""
    answer = request(shared_host, "POST", "/admin/functions/hourly", b'{"input": ""}')
    assert (answer.status, answer.body) == (202, b"")
    (call, *_) = shared_sample.wait_for_calls(1, "hourly")
    assert call["past_due"] is False


@pytest.mark.usefixtures("within_an_hour")
@pytest.mark.parametrize(("hours", "runs"), [(2, 1), (-2, 0)])
def test_missed_time_runs_once_after_the_start(sample: Sample, hours: int, runs: int) -> None:
    """Only when the noted time has passed while no host was there."""
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    _note(sample, due=this_hour - timedelta(hours=hours))
    with sample.running():
        _wait_for_the_next_time(sample)
    assert len(sample.calls("hourly", past_due=True)) == len(sample.calls("hourly")) == runs


@pytest.mark.usefixtures("within_an_hour")
def test_changed_schedule_is_no_missed_run(sample: Sample) -> None:
    """A time that the present schedule does not have was noted for an older one."""
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    _note(sample, due=this_hour - timedelta(minutes=61))
    with sample.running():
        _wait_for_the_next_time(sample)
    assert sample.calls("hourly") == []


def test_next_time_is_recorded(sample: Sample) -> None:
    """So that the next host knows."""
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with sample.running():
        noted = _wait_for_the_next_time(sample)
    assert noted in {this_hour + timedelta(hours=1), this_hour + timedelta(hours=2)}


def _wait_for_the_next_time(sample: Sample) -> datetime:
    """Waits until the host has noted when it is due; what it makes up for, it did before."""
    started = datetime.now(UTC)

    def noted() -> datetime | None:
        try:
            status = json.loads(_status_blob(sample).download_blob().readall())
        except ResourceNotFoundError:
            return None
        fresh = datetime.fromisoformat(status["LastUpdated"]) > started
        return datetime.fromisoformat(status["Next"]) if fresh else None

    wait_until(noted, "the next time is noted")
    moment = noted()
    assert moment is not None
    return moment


def _note(sample: Sample, due: datetime) -> None:
    """Leaves what an earlier host would have left."""
    last = (due - timedelta(days=1)).isoformat()
    status = {"Last": last, "Next": due.isoformat(), "LastUpdated": last}
    with suppress(ResourceExistsError):
        _service(sample).create_container("azure-webjobs-hosts")
    _status_blob(sample).upload_blob(json.dumps(status))


def _status_blob(sample: Sample) -> BlobClient:
    path = f"timers/{sample.name}/Host.Functions.hourly/status"
    return _service(sample).get_blob_client("azure-webjobs-hosts", path)


def _service(sample: Sample) -> BlobServiceClient:
    return BlobServiceClient.from_connection_string(sample.account.connection_string)
