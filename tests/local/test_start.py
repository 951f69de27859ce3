"""What keeps the host from starting, and what its settings files say."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.host import settings
from local.ports import free_port
from tests.local.sample import APP

_APP = """
import azure.functions as func
app = func.FunctionApp()
@app.timer_trigger(arg_name="timer", schedule="{schedule}")
def tick(timer: func.TimerRequest) -> None:
    pass
"""


def _start(app: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.host", "--app", str(app), "--port", str(free_port())]
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=APP.parents[2],
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import absent_module", "No module named 'absent_module'"),
        ("def f(:", "SyntaxError"),
        ("x = 1", "Could not find top level function app"),
        (_APP.format(schedule="every day"), "fields instead of six"),
        (_APP.format(schedule="%ABSENT%"), "%ABSENT% in a binding does not resolve"),
        (_APP.replace("timer:", "other:").format(schedule="0 * * * * *"), "FunctionLoadError"),
    ],
)
def test_app_that_cannot_be_indexed_stops_the_start(tmp_path: Path, code: str, words: str) -> None:
    """With the reason on standard error and exit code 1."""
    (tmp_path / "function_app.py").write_text(code)
    result = _start(tmp_path)
    assert result.returncode == 1
    assert "The functions host cannot start" in result.stderr
    assert words in result.stderr


def test_folder_without_an_app_stops_the_start(tmp_path: Path) -> None:
    """The host does not start with "0 functions found"."""
    result = _start(tmp_path)
    assert (result.returncode, "holds no function_app.py" in result.stderr) == (1, True)


def test_values_of_the_local_settings_become_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the environment already wins."""
    values = {"FROM_FILE": "file", "FROM_BOTH": "file"}
    content = {"Values": values, "Host": {"CORS": "https://a.example, https://b.example"}}
    (tmp_path / "local.settings.json").write_text(json.dumps(content))
    monkeypatch.setenv("FROM_BOTH", "environment")
    monkeypatch.setenv("FROM_FILE", "to be taken back at the end")
    monkeypatch.delenv("FROM_FILE")
    loaded = settings.load(tmp_path)
    assert (os.environ["FROM_FILE"], os.environ["FROM_BOTH"]) == ("file", "environment")
    assert loaded.cors_origins == ("https://a.example", "https://b.example")
    assert settings.expand("%FROM_FILE%-%FROM_BOTH%", os.environ) == "file-environment"


def test_host_json_says_how_queues_are_worked_off(tmp_path: Path) -> None:
    """Its names and defaults are those of the real host."""
    assert settings.load(tmp_path).queues.max_dequeue_count == 5
    assert settings.load(tmp_path).queues.longest_pause == 60
    queues = {
        "batchSize": 1,
        "newBatchThreshold": 0,
        "visibilityTimeout": "00:01:30",
        "maxPollingInterval": "00:00:05",
    }
    extensions = {
        "http": {"routePrefix": ""},
        "queues": {**queues, "messageEncoding": "none", "maxDequeueCount": 9},
        "blobs": {"maxDegreeOfParallelism": 1, "poisonBlobThreshold": 2},
    }
    (tmp_path / "host.json").write_text(json.dumps({"extensions": extensions}))
    loaded = settings.load(tmp_path)
    assert loaded.route_prefix == ""
    assert (loaded.queues.batch_size, loaded.queues.new_batch_threshold) == (1, 0)
    assert (loaded.queues.retry_delay, loaded.queues.longest_pause) == (90, 5)
    assert (loaded.queues.max_dequeue_count, loaded.queues.base64) == (9, False)
    assert (loaded.blobs.retry_delay, loaded.blobs.longest_pause) == (0, 60)
    assert (loaded.blobs.max_dequeue_count, loaded.blobs.base64) == (2, True)


@pytest.mark.parametrize(
    ("parallelism", "batch", "threshold"),
    [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (16, 9, 7), (100, 32, 68)],
)
def test_parallel_blobs_become_a_batch_and_a_threshold(
    tmp_path: Path, parallelism: int, batch: int, threshold: int
) -> None:
    """By the rule of Microsoft's extension."""
    extensions = {"blobs": {"maxDegreeOfParallelism": parallelism}}
    (tmp_path / "host.json").write_text(json.dumps({"extensions": extensions}))
    blobs = settings.load(tmp_path).blobs
    assert (blobs.batch_size, blobs.new_batch_threshold) == (batch, threshold)
