"""Owns the settings of the host itself: host.json, local.settings.json and its own variables.

Knows nothing of what the app does with its settings.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

# All functions share one process here: calls that wait during an outage must leave threads for
# requests. On Azure these functions run on separate instances, with fewer threads.
_THREADS = "24"
_PLACEHOLDER = re.compile(r"%([^%]+)%")
_LARGEST_BATCH = 32  # the maximum of the service
_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})")


class SettingsError(Exception):
    """The host cannot start with its settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """How a queue is processed; times in seconds.

    Up to `batch_size` messages are fetched at once, and only while at most `new_batch_threshold`
    are being processed. `longest_pause` is the pause between two requests to an empty queue.
    """

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    retry_delay: float
    lease: float
    longest_pause: float
    base64: bool
    unreadable_is_poison: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """All settings, read at the start; `scan_interval` and `stop_timeout` in seconds."""

    host_id: str
    route_prefix: str
    cors_origins: tuple[str, ...]
    queues: QueueOptions
    blobs: QueueOptions
    scan_interval: float
    stop_timeout: float


def load(app: Path) -> HostSettings:
    """Reads the files of the app; `Values` become environment variables that are not set yet."""
    local_settings = _read_json(app / "local.settings.json")
    for name, value in local_settings.get("Values", {}).items():
        os.environ.setdefault(name, str(value))
    os.environ.setdefault("PYTHON_THREADPOOL_THREAD_COUNT", _THREADS)
    host = _read_json(app / "host.json")
    extensions = host.get("extensions", {})
    lease = _number("LOCAL_HOST_LEASE_SECONDS", 600)
    origins = local_settings.get("Host", {}).get("CORS", "*")
    return HostSettings(
        host_id=os.environ.get("AzureFunctionsWebHost__hostid", "local"),  # noqa: SIM112 - Azure's name
        route_prefix=extensions.get("http", {}).get("routePrefix", "api").strip("/"),
        cors_origins=tuple(origin.strip() for origin in origins.split(",") if origin.strip()),
        queues=_queue_options(extensions.get("queues", {}), lease),
        blobs=_blob_options(extensions.get("blobs", {}), lease),
        scan_interval=_number("LOCAL_HOST_SCAN_SECONDS", 0.5),
        stop_timeout=_number("LOCAL_HOST_STOP_SECONDS", 5),
    )


def _queue_options(section: Mapping[str, Any], lease: float) -> QueueOptions:
    batch = section.get("batchSize", 16)
    is_development = os.environ.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development"
    return QueueOptions(
        batch_size=min(batch, _LARGEST_BATCH),
        new_batch_threshold=section.get("newBatchThreshold", batch // 2),
        max_dequeue_count=section.get("maxDequeueCount", 5),
        retry_delay=_seconds(section.get("visibilityTimeout"), 0),
        lease=lease,
        longest_pause=_seconds(section.get("maxPollingInterval"), 2 if is_development else 60),
        base64=section.get("messageEncoding", "base64").lower() == "base64",
        unreadable_is_poison=True,
    )


def _blob_options(section: Mapping[str, Any], lease: float) -> QueueOptions:
    """The options that the extension for blobs derives from its section.

    Source: SharedBlobQueueListenerFactory.BlobsOptionsToQueuesOptions of
    Microsoft.Azure.WebJobs.Extensions.Storage.Blobs.
    """
    parallelism = section.get("maxDegreeOfParallelism", 8 * (os.cpu_count() or 1))
    batch = min(_LARGEST_BATCH, parallelism // 2 + 1)
    return QueueOptions(
        batch_size=batch,
        new_batch_threshold=parallelism - batch,
        max_dequeue_count=section.get("poisonBlobThreshold", 5),
        retry_delay=0,
        lease=lease,
        longest_pause=60,
        base64=True,
        unreadable_is_poison=False,
    )


def expand(value: str, environment: Mapping[str, str]) -> str:
    """Replaces every %NAME% by the setting of that name; raises SettingsError if it is absent."""

    def setting(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environment:
            raise SettingsError(f"%{name}% in a binding does not resolve: no such setting")
        return environment[name]

    return _PLACEHOLDER.sub(setting, value)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} is not a JSON object")
    return content


def _number(name: str, default: float) -> float:
    text = os.environ.get(name)
    try:
        return default if not text else float(text)
    except ValueError as error:
        raise SettingsError(f"{name} must be a number of seconds") from error


def _seconds(text: str | None, default: float) -> float:
    """A .NET TimeSpan such as "00:00:30"."""
    if text is None:
        return default
    match = _TIME_SPAN.fullmatch(text)
    if match is None:
        raise SettingsError(f'"{text}" in host.json is not a time span such as "00:00:30"')
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
