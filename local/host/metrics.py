"""Owns the metrics of the app: collects them and shows them in Prometheus' text format.

Uses an SDK for metrics only. On Azure the worker library configures one that also sends spans and
log lines; here these would make the log hard to read.
"""

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST


def collect() -> None:
    """Starts to collect the metrics of the app; call it once per process."""
    reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False)
    metrics.set_meter_provider(MeterProvider([reader]))


def exposition() -> bytes:
    """All metrics so far, in Prometheus' text format."""
    return generate_latest()
