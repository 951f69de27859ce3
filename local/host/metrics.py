"""Owns the numbers of the app that this host runs: collects them and shows them as Prometheus does.

An SDK for metrics alone. On Azure the worker library configures one that also sends spans and
log lines; here those would only be in the way of the log.
"""

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST


def collect() -> None:
    """From now on keep what the app measures; once a process."""
    reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False)
    metrics.set_meter_provider(MeterProvider([reader]))


def exposition() -> bytes:
    """What was measured so far, in Prometheus' text format."""
    return generate_latest()
