"""What a month costs, by the formulas of docs/costs.md: python -m infra.cost --clips 10000 ...

Prices are examples, of one region and one day; enter your own. That page lists what is not
included.
"""

import argparse
import sys
from dataclasses import dataclass, fields

_SECONDS = 730 * 3600  # of a month


@dataclass(frozen=True, kw_only=True)
class Prices:
    """US dollars, from public price lists for East US as of 2025; rounded. Look yours up."""

    hot_gb: float = 0.018
    cool_gb: float = 0.01
    cold_gb: float = 0.0045
    archive_gb: float = 0.002
    writes_10k: float = 0.05
    reads_10k: float = 0.004
    cool_writes_10k: float = 0.1
    archive_writes_10k: float = 0.1
    egress_gb: float = 0.087
    free_egress_gb: float = 100
    function_gb_s: float = 0.000026
    free_gb_s: float = 100_000
    ready_baseline_gb_s: float = 0.000004
    ready_work_gb_s: float = 0.000016
    calls_million: float = 0.4
    free_calls: float = 250_000
    small_database_hour: float = 0.017
    standard_database_hour: float = 0.068
    database_gb: float = 0.115
    log_gb: float = 2.3
    free_log_gb: float = 5
    metric_alert: float = 0.1
    log_alert_5_minutes: float = 1.5
    log_alert_15_minutes: float = 0.5
    front_door: float = 35
    private_endpoint: float = 7.3


@dataclass(frozen=True, kw_only=True)
class Size:
    """The values of SIZE that cost money: infra/main.bicep."""

    ready_blob: int
    metric_alerts: int
    log_alerts_every_5_minutes: int
    log_alerts_every_15_minutes: int


SIZES = {
    "small": Size(
        ready_blob=0,
        metric_alerts=5,
        log_alerts_every_5_minutes=0,
        log_alerts_every_15_minutes=4,
    ),
    "standard": Size(
        ready_blob=1,
        metric_alerts=10,
        log_alerts_every_5_minutes=4,
        log_alerts_every_15_minutes=2,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Use:
    """A month of use, and the choices that change its costs."""

    size: str = "small"
    clips: int = 10_000
    mb: float = 20
    months_kept: int = 12
    plays: float = 5
    ingest_seconds: float = 3
    calls: float = 20
    images_mb: float = 0.5
    copies: float = 1
    archive: bool = True
    memory_gb: float = 2
    ready_blob: int | None = None
    """Instances that wait for blobs; None: the value of the size."""
    ready_http: int = 0
    audit_reads: bool = True
    front_door: bool = False
    private_network: bool = False


# Sizes in the log of an audited request to storage, and of a call with its spans.
_LOG_KB_OF_STORAGE = 1.5
_LOG_KB_OF_CALL = 4
_DATABASE_GB = 32
_PRIVATE_ENDPOINTS = 6
# A clip is written, read in some ranges, and gets a dozen images and a sidecar, which is written
# again when something changes; a player asks in ranges.
_WRITES_A_CLIP = 16
_READS_A_CLIP = 12
_READS_A_PLAY = 4


def month(use: Use, price: Prices) -> dict[str, float]:
    """Dollars by kind of cost, in the month in which the service is `months_kept` old."""
    lines = {
        "clips at rest": _clips_at_rest(use, price),
        "images at rest": use.clips
        * use.months_kept
        * use.images_mb
        / 1000
        * price.hot_gb
        * use.copies,
        "requests to storage": _requests(use, price),
        "bytes to players": _egress(use, price),
        "functions": _functions(use, price),
        "instances that wait": _waiting(use, price),
        "database": _database(use, price),
        "logs": _logs(use, price),
        "alerts": _alerts(use, price),
        "Front Door": price.front_door if use.front_door else 0,
        "private endpoints": price.private_endpoint * _PRIVATE_ENDPOINTS
        if use.private_network
        else 0,
    }
    return {name: dollars for name, dollars in lines.items() if dollars}


def _clips_at_rest(use: Use, price: Prices) -> float:
    """Hot for a month, cool for two, then archived or cold."""
    late = price.archive_gb if use.archive else price.cold_gb
    months = (
        min(use.months_kept, 1) * price.hot_gb
        + min(max(use.months_kept - 1, 0), 2) * price.cool_gb
        + max(use.months_kept - 3, 0) * late
    )
    return use.clips * use.mb / 1000 * months * use.copies


def _requests(use: Use, price: Prices) -> float:
    writes = use.clips * _WRITES_A_CLIP * price.writes_10k
    # A rule that moves a blob is paid as a write to the tier that it moves to.
    moves = use.clips * (price.cool_writes_10k + price.archive_writes_10k)
    reads = use.clips * (_READS_A_CLIP + use.plays * _READS_A_PLAY) * price.reads_10k
    return (writes + moves + reads) / 10_000


def _egress(use: Use, price: Prices) -> float:
    played = use.clips * use.plays * use.mb / 1000
    return max(played - price.free_egress_gb, 0) * price.egress_gb


def _functions(use: Use, price: Prices) -> float:
    ingest = use.clips * use.ingest_seconds * use.memory_gb
    calls = use.clips * use.calls
    api = calls * 0.1 * use.memory_gb / 4  # four at once on an instance
    on_demand = api + (0 if _ready_blob(use) else ingest)
    return (
        max(on_demand - price.free_gb_s, 0) * price.function_gb_s
        + (ingest * price.ready_work_gb_s if _ready_blob(use) else 0)
        + max(calls + use.clips - price.free_calls, 0) / 1e6 * price.calls_million
    )


def _waiting(use: Use, price: Prices) -> float:
    instances = _ready_blob(use) + use.ready_http
    return instances * use.memory_gb * _SECONDS * price.ready_baseline_gb_s


def _logs(use: Use, price: Prices) -> float:
    audited: float = _WRITES_A_CLIP
    if use.audit_reads:
        audited += _READS_A_CLIP + use.plays * _READS_A_PLAY
    gb = use.clips * (audited * _LOG_KB_OF_STORAGE + use.calls * _LOG_KB_OF_CALL) / 1e6
    return max(gb - price.free_log_gb, 0) * price.log_gb


def _alerts(use: Use, price: Prices) -> float:
    size = SIZES[use.size]
    return (
        size.metric_alerts * price.metric_alert
        + size.log_alerts_every_5_minutes * price.log_alert_5_minutes
        + size.log_alerts_every_15_minutes * price.log_alert_15_minutes
    )


def _database(use: Use, price: Prices) -> float:
    small = use.size == "small"
    hour = price.small_database_hour if small else price.standard_database_hour
    return 730 * hour + _DATABASE_GB * price.database_gb


def _ready_blob(use: Use) -> int:
    return SIZES[use.size].ready_blob if use.ready_blob is None else use.ready_blob


def table(lines: dict[str, float]) -> str:
    """The costs as a Markdown table."""
    rows = [f"| {name} | {dollars:.2f} |" for name, dollars in lines.items()]
    total = f"| **together** | **{sum(lines.values()):.2f}** |"
    return "\n".join(["| what | US dollars |", "|---|---:|", *rows, total])


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.cost")
    for field in fields(Use):
        name = f"--{field.name.replace('_', '-')}"
        if isinstance(field.default, bool):
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=field.default)
        else:
            kind = int if field.default is None else type(field.default)
            choices = SIZES if field.name == "size" else None
            parser.add_argument(name, type=kind, default=field.default, choices=choices)
    use = Use(**vars(parser.parse_args(arguments)))
    sys.stdout.write(f"{table(month(use, Prices()))}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
