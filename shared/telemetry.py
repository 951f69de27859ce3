"""Spans and metrics of the service; the only module that uses OpenTelemetry.

Where they are sent is configured outside, with an SDK: on Azure by the Functions worker, locally
by `local/host/metrics.py`. Without an SDK nothing is made, and the library is not loaded.

    ingest               cleanup.<what it counts>     within the host's invocation;
                         migration.plan, .batch
      ingest.claim
      ingest.probe       storage.<operation>          within any of them
      ingest.images      SELECT clips, UPDATE ...
      ingest.write
      ingest.publish

Names are constants and attributes are ids, codes, sizes and SQL constants: never an address, the
parameter of a query, the name of a file or the text of an error.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer, TracerProvider

_SCOPE = "cliplink"

type Attribute = str | int | float


@dataclass(frozen=True, slots=True)
class Counter:
    """A sum that only grows."""

    name: str
    unit: str
    description: str

    def add(self, amount: int = 1, /, **attributes: Attribute) -> None:
        if (meter := _meter()) is not None:
            # The same one each time: a meter knows its instruments by name.
            counter = meter.create_counter(self.name, self.unit, self.description)
            counter.add(amount, attributes)


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution; `bounds` are the upper ends of its buckets."""

    name: str
    unit: str
    description: str
    bounds: tuple[float, ...]

    def record(self, value: float, /, **attributes: Attribute) -> None:
        if (meter := _meter()) is not None:
            histogram = meter.create_histogram(
                self.name,
                self.unit,
                self.description,
                explicit_bucket_boundaries_advisory=self.bounds,
            )
            histogram.record(value, attributes)


_MEBI = 1024 * 1024

CLIPS = Counter("cliplink.clips", "{clip}", "Clips by outcome, and the code of a failure")
INGEST_SECONDS = Histogram(
    "cliplink.ingest.duration",
    "s",
    "How long a clip took, by outcome",
    (0.5, 1, 2, 5, 10, 20, 30, 60, 120),
)
INGEST_READ = Histogram(
    "cliplink.ingest.read",
    "By",
    "How much of a clip was read, by outcome",
    tuple(float(each * _MEBI) for each in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128)),
)
INGEST_WAIT = Histogram(
    "cliplink.ingest.wait",
    "s",
    "How long a version of a blob had been there when a run took it up",
    (1, 2, 5, 10, 30, 60, 300, 900, 3600),
)
CLEANUP_ITEMS = Counter("cliplink.cleanup.items", "{item}", "What the cleanup did, by kind")
LOSSES_HELD = Counter(
    "cliplink.losses.held", "{run}", "Runs that marked no clip, as too many blobs were missing"
)
CLEANUP_RUNS = Counter("cliplink.cleanup.runs", "{run}", "Runs of the cleanup, by outcome")


def span(name: str, **attributes: Attribute) -> AbstractContextManager[None]:
    """A span around a piece of this app's work, for as long as the block lasts."""
    tracer = _tracer()
    return nullcontext() if tracer is None else _spanned(tracer, name, attributes)


def request(name: str, system: str) -> AbstractContextManager[None]:
    """A span around a request to another system, which an application map shows apart."""
    tracer = _tracer()
    if tracer is None:
        return nullcontext()
    return _spanned(tracer, name, {"peer.service": system}, is_request=True)


def query(text: LiteralString) -> AbstractContextManager[None]:
    """A span around a query to Postgres: with its text, a constant, and without its parameters."""
    tracer = _tracer()
    if tracer is None:
        return nullcontext()
    attributes: dict[str, Attribute] = {"db.system.name": "postgresql", "db.query.text": text}
    return _spanned(tracer, summary(text), attributes, is_request=True)


def with_current_context[**Given, Result](
    function: Callable[Given, Result],
) -> Callable[Given, Result]:
    """The function with the current context, for one call in another thread.

    Its spans and its log lines then belong to the same invocation.
    """
    context = copy_context()

    def call(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        return context.run(function, *args, **kwargs)

    return call


_OPERATION = re.compile(
    r"\b(?:(INSERT)\s+INTO|(UPDATE)|(DELETE)\s+FROM|(SELECT)\b.*?\bFROM)\s+(\w+)", re.DOTALL
)


@lru_cache(maxsize=256)
def summary(text: str) -> str:
    """The first operation of a query with its table: `UPDATE clips`. Of a few dozen texts."""
    found = _OPERATION.search(text)
    if found is None:
        return text.split(maxsplit=1)[0].upper() if text.strip() else "query"
    *operations, table = found.groups()
    return f"{next(filter(None, operations))} {table}"


@contextmanager
def _spanned(
    tracer: "Tracer", name: str, attributes: dict[str, Attribute], *, is_request: bool = False
) -> Iterator[None]:
    from opentelemetry.trace import SpanKind, StatusCode

    # The SDK would write down the text of an error, in which anything may stand.
    with tracer.start_as_current_span(
        name,
        kind=SpanKind.CLIENT if is_request else SpanKind.INTERNAL,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield
        except BaseException as error:
            opened.set_attribute("error.type", type(error).__name__)
            opened.set_status(StatusCode.ERROR)
            raise


def _tracer() -> "Tracer | None":
    """None where no SDK is configured, as on most machines; cheap, as every query asks."""
    # Configuring an SDK loads this.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else _tracer_of(provider)


@lru_cache(maxsize=1)
def _tracer_of(provider: "TracerProvider") -> "Tracer":
    return provider.get_tracer(_SCOPE)


def _meter() -> "Meter | None":
    metrics = sys.modules.get("opentelemetry.metrics")
    meter: Meter | None = None if metrics is None else metrics.get_meter(_SCOPE)
    return meter
