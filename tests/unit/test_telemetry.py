"""Spans and metrics: created only where an SDK is configured, and without secrets."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from shared import telemetry
from tests.telemetry import Recorded, recording

ROOT = Path(__file__).parents[2]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    with recording(monkeypatch) as recorded:
        yield recorded


def test_span_has_its_name_attributes_and_parent(recorded: Recorded) -> None:
    with telemetry.span("outer"), telemetry.span("inner", clip_id="one"):
        pass
    inner, outer = recorded.named("inner"), recorded.named("outer")
    assert inner.attributes == {"clip_id": "one"}
    assert recorded.below(outer) == [inner]
    assert inner.kind is SpanKind.INTERNAL


def test_query_shows_its_text_and_nothing_else(recorded: Recorded) -> None:
    with telemetry.query("SELECT id FROM clips WHERE title = %(title)s"):
        pass
    span = recorded.named("SELECT clips")
    assert span.kind is SpanKind.CLIENT
    assert span.attributes == {
        "db.system.name": "postgresql",
        "db.query.text": "SELECT id FROM clips WHERE title = %(title)s",
    }


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\n  SELECT id\n  FROM clips WHERE id = 1 FOR UPDATE", "SELECT clips"),
        ("WITH hidden AS (UPDATE videos SET x = 1) SELECT y FROM hidden", "UPDATE videos"),
        ("INSERT INTO grants (a) VALUES (1)", "INSERT grants"),
        ("DELETE FROM shares WHERE a = 1", "DELETE shares"),
        ("SELECT 1 AS one", "SELECT"),
        ("", "query"),
    ],
)
def test_query_span_is_named_after_its_first_operation(text: str, name: str) -> None:
    assert telemetry.summary(text) == name


def test_span_records_the_class_of_an_error_and_raises_it(recorded: Recorded) -> None:
    """Its text may quote input of a user, or a link."""
    with pytest.raises(ValueError, match="sig="), telemetry.request("storage.get", "storage"):
        raise ValueError("https://clips.example.org/a?sig=secret")
    span = recorded.named("storage.get")
    assert span.attributes == {"peer.service": "storage", "error.type": "ValueError"}
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert span.events == ()


def test_counts_add_up_by_their_attributes(recorded: Recorded) -> None:
    telemetry.CLIPS.add(outcome="ready")
    telemetry.CLIPS.add(2, outcome="ready")
    telemetry.CLIPS.add(outcome="failed", code="not_a_video")
    assert recorded.points("cliplink.clips") == [
        ({"outcome": "ready"}, 3, 0),
        ({"outcome": "failed", "code": "not_a_video"}, 1, 0),
    ]


def test_distribution_has_a_sum_and_a_number(recorded: Recorded) -> None:
    for seconds in (0.5, 2.5):
        telemetry.INGEST_SECONDS.record(seconds, outcome="ready")
    assert recorded.points("cliplink.ingest.duration") == [({"outcome": "ready"}, 3.0, 2)]


def test_spans_of_another_thread_belong_to_the_callers_span(
    recorded: Recorded,
) -> None:
    def work() -> None:
        with telemetry.span("inner"):
            pass

    with telemetry.span("outer"), ThreadPoolExecutor(1) as pool:
        pool.submit(telemetry.with_current_context(work)).result()
        pool.submit(work).result()
    carried, lost = (span for span in recorded.spans if span.name == "inner")
    assert recorded.below(recorded.named("outer")) == [carried]
    assert lost.parent is None


WITHOUT_AN_SDK = """
import sys
from shared import telemetry
def use():
    with telemetry.span("a"), telemetry.request("b", "storage"), telemetry.query("SELECT 1"):
        telemetry.CLIPS.add(outcome="ready")
        telemetry.INGEST_WAIT.record(1.0)
use()
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
import opentelemetry.trace, opentelemetry.metrics
use()
assert not [name for name in sys.modules if name.startswith("opentelemetry.sdk")]
"""


def test_telemetry_without_an_sdk_loads_nothing() -> None:
    """Nothing is loaded even if another library has loaded the API."""
    subprocess.run([sys.executable, "-W", "error", "-c", WITHOUT_AN_SDK], cwd=ROOT, check=True)
