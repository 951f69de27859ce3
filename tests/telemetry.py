"""An SDK of OpenTelemetry for one test, which keeps its data in memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

# Attributes, sum, and the number of values in the sum (0 for a counter).
type Point = tuple[Mapping[str, object], float, int]


@dataclass(frozen=True, slots=True)
class Recorded:
    """All spans and metrics so far."""

    _exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    _reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        (found,) = (span for span in self.spans if span.name == name)
        return found

    def below(self, parent: ReadableSpan) -> list[ReadableSpan]:
        return [s for s in self.spans if s.parent and s.parent.span_id == _id(parent)]

    def points(self, name: str) -> list[Point]:
        """The values of one metric."""
        data = self._reader.get_metrics_data() or MetricsData([])
        return [
            (dict(point.attributes or {}), point.sum, point.count)
            if isinstance(point, HistogramDataPoint)
            else (dict(point.attributes or {}), getattr(point, "value", 0), 0)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


def _id(span: ReadableSpan) -> int:
    assert span.context is not None
    number: int = span.context.span_id
    return number


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """Replaces the providers of the process, which can be set only once."""
    recorded = Recorded()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(recorded._exporter))
    meters = MeterProvider([recorded._reader], shutdown_on_exit=False)
    with monkeypatch.context() as patched:
        patched.setattr(trace, "get_tracer_provider", lambda: tracers)
        patched.setattr(metrics, "get_meter", meters.get_meter)
        yield recorded
    meters.shutdown()
    tracers.shutdown()
