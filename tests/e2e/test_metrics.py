"""The local host shows the app's metrics."""

import re

import httpx

from tests.e2e.app import App, Caller, wait_for


def measured(app: App) -> dict[str, float]:
    answer = httpx.get(f"http://127.0.0.1:{app.port}/metrics")
    assert answer.status_code == httpx.codes.OK
    assert answer.headers["content-type"].startswith("text/plain")
    lines = re.findall(r"^(cliplink_\S+) (\S+)$", answer.text, re.MULTILINE)
    return {name: float(value) for name, value in lines}


def test_clips_and_cleanups_are_counted(app: App, alice: Caller, film: bytes) -> None:
    before = measured(app)
    alice.uploaded(film)
    alice.uploaded(b"plain text " * 100)
    app.run_cleanup()

    def grown(name: str) -> float:
        return measured(app).get(name, 0) - before.get(name, 0)

    wait_for(lambda: grown('cliplink_clips_total{code="",outcome="ready"}') or None, "the count")
    assert grown('cliplink_clips_total{code="not_a_video",outcome="failed"}') == 1
    assert grown('cliplink_ingest_duration_seconds_count{outcome="ready"}') == 1
    assert grown('cliplink_ingest_read_bytes_sum{outcome="ready"}') > 0
    assert grown("cliplink_ingest_wait_seconds_count") == 2
    assert grown('cliplink_cleanup_runs_total{outcome="done"}') == 1
    assert 'cliplink_cleanup_items_total{kind="clips_expired"}' in measured(app)
