"""Measures requests to the app, to the same endpoints as usually written, and their SQL alone.

All use one Postgres and one Azurite, and are measured one at a time. Every request is sent once
before, with the same token: its links are recorded, and the token is in the cache of the app.
`python -m bench.requests` runs this alone; `--quick` for a first look.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import psutil

from bench.requests import data as requests_data
from bench.requests import floor as requests_floor
from bench.requests import load as requests_load
from bench.requests.answers import assert_alike
from bench.requests.data import Library
from bench.requests.load import Load
from bench.requests.services import CLIPLINK, USUAL, Service
from bench.stack import Stack
from shared.catalogue.library import clip_queries as catalogue

_CLIENTS = (1, 16)
# Requests per second of the old service at 1 and at 16 clients: measured once, since it cannot be
# run here.
_OLD: Mapping[str, tuple[int, int]] = {
    "GET clip": (193, 159),
    "list of 50": (118, 137),
    "list of 1000": (23, 21),
    "access-url": (186, 178),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """The number of rounds and their length; times in seconds."""

    rounds: int = 3
    warm_up: float = 0.5
    seconds: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Calls in sequence, and their SQL; `old` names a row of `_OLD`."""

    name: str
    old: str = ""
    method: str = "GET"
    paths: Sequence[str]
    body: str = ""
    statement: str
    parameters: Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`rate` is requests per second; the others are milliseconds, `cpu` those of one request."""

    rate: float
    p50: float
    p99: float
    cpu: float


# The name of an operation, and the number of clients.
type Case = tuple[str, int]


def run(stack: Stack, library: Library, effort: Effort = Effort()) -> None:
    token = stack.issuer.token(requests_data.SUBJECT)
    operations = _operations(library)
    with CLIPLINK.start(stack) as cliplink, USUAL.start(stack) as usual:
        for operation in operations:
            assert_alike(
                operation.method,
                operation.paths[0],
                operation.body,
                token,
                (cliplink.port, usual.port),
            )
    print(f"\nRequests: both answer alike; rounds turn by turn, medians of {effort.rounds}.")
    print("The FastAPI version neither records links nor asks whether a clip is in the archive.")
    floor = {
        (operation.name, clients): _floor(stack, operation, clients, effort)
        for operation in operations
        for clients in _CLIENTS
    }
    rounds: dict[Service, list[Mapping[Case, Measured]]] = {CLIPLINK: [], USUAL: []}
    for _ in range(effort.rounds):  # in turns: other load affects both
        for service, results in rounds.items():
            results.append(_round(stack, service, operations, token, effort))
    _print(operations, floor, _medians(rounds[CLIPLINK]), _medians(rounds[USUAL]))


def _operations(library: Library) -> list[Operation]:
    viewer: dict[str, object] = {"user_id": library.user, "as_admin": False}
    page = viewer | {"status": None, "after": None, "after_id": None}
    clips = library.clips
    return [
        Operation(
            name="GET clip",
            old="GET clip",
            paths=[f"/api/clips/{clip}" for clip in clips],
            statement=catalogue._GET,  # noqa: SLF001 - the app's own SQL
            parameters=[viewer | {"id": clip} for clip in clips],
        ),
        Operation(
            name="list of 50",
            old="list of 50",
            paths=[f"/api/videos/{library.some}/clips?limit=50"],
            statement=catalogue._PAGE,  # noqa: SLF001 - the app's own SQL
            parameters=[page | {"video_id": library.some, "limit": 51}],
        ),
        Operation(
            name="list of 1000",
            old="list of 1000",
            paths=[f"/api/videos/{library.many}/clips"],
            statement=catalogue._PAGE,  # noqa: SLF001 - the app's own SQL
            parameters=[page | {"video_id": library.many, "limit": 1001}],
        ),
        *_link_operations(clips, viewer),
    ]


def _link_operations(clips: Sequence[UUID], viewer: dict[str, object]) -> list[Operation]:
    links = [
        Operation(
            name=f"access-url, of {count} clip{'s' if count > 1 else ''} in turn",
            old="access-url",
            paths=[f"/api/clips/{clip}/access-url" for clip in clips[:count]],
            statement=catalogue._FILE,  # noqa: SLF001 - the app's own SQL
            parameters=[viewer | {"id": clip} for clip in clips[:count]],
        )
        for count in (1, 50, 1000)
    ]
    return [
        *links,
        Operation(
            name="1000 links",
            method="POST",
            paths=["/api/clips/access-urls"],
            body=json.dumps({"clip_ids": [str(clip) for clip in clips]}),
            statement=catalogue._FILES,  # noqa: SLF001 - the app's own SQL
            parameters=[viewer | {"ids": list(clips)}],
        ),
    ]


def _floor(stack: Stack, operation: Operation, clients: int, effort: Effort) -> float:
    return requests_floor.run(
        requests_floor.Loop(
            url=stack.environment["DATABASE_URL"],
            statement=operation.statement,
            parameters=operation.parameters,
            clients=clients,
            warm_up=effort.warm_up,
            seconds=effort.seconds,
        )
    )


def _round(
    stack: Stack, service: Service, operations: Sequence[Operation], token: str, effort: Effort
) -> Mapping[Case, Measured]:
    with service.start(stack) as host:
        process = psutil.Process(host.child.process.pid)
        return {
            (operation.name, clients): _measure(
                process, _load(operation, token, host.port, clients), effort
            )
            for operation in operations
            for clients in _CLIENTS
        }


def _load(operation: Operation, token: str, port: int, clients: int) -> Load:
    body = operation.body
    head = f"Host: localhost:{port}\r\nAuthorization: Bearer {token}\r\nAccept: */*\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return Load(
        port=port,
        requests=[
            f"{operation.method} {path} HTTP/1.1\r\n{head}\r\n{body}" for path in operation.paths
        ],
        clients=clients,
    )


def _measure(process: psutil.Process, load: Load, effort: Effort) -> Measured:
    requests_load.run(load, effort.warm_up, at_least=len(load.requests))
    before = process.cpu_times()
    result = requests_load.run(load, effort.seconds, at_least=2 * load.clients)
    after = process.cpu_times()
    busy = after.user - before.user + after.system - before.system
    return Measured(
        rate=result.rate, p50=result.p50, p99=result.p99, cpu=busy / result.answered * 1e3
    )


def _medians(rounds: Sequence[Mapping[Case, Measured]]) -> Mapping[Case, Measured]:
    return {
        case: Measured(
            rate=statistics.median(results[case].rate for results in rounds),
            p50=statistics.median(results[case].p50 for results in rounds),
            p99=statistics.median(results[case].p99 for results in rounds),
            cpu=statistics.median(results[case].cpu for results in rounds),
        )
        for case in rounds[0]
    }


def _print(
    operations: Sequence[Operation],
    floor: Mapping[Case, float],
    cliplink: Mapping[Case, Measured],
    usual: Mapping[Case, Measured],
) -> None:
    for column, clients in enumerate(_CLIENTS):
        print(f"\n{clients} at once; times in ms, CPU of the service a request\n")
        print(f"{'':<34}{'Cliplink':^32}{'FastAPI':^32}{'SQL':>8}{'times as many as':>20}")
        heads = f"{'req/s':>8}{'p50':>8}{'p99':>8}{'CPU':>8}"
        print(f"{'':<34}{heads}{heads}{'/s':>8}{'FastAPI':>12}{'old':>8}")
        for operation in operations:
            case = (operation.name, clients)
            own, other = cliplink[case], usual[case]
            old = _OLD.get(operation.old)
            print(
                f"{operation.name:<34}{_columns(own)}{_columns(other)}{floor[case]:>8.0f}"
                f"{own.rate / other.rate:>12.1f}"
                + (f"{own.rate / old[column]:>8.1f}" if old else "")
            )


def _columns(measured: Measured) -> str:
    return f"{measured.rate:>8.0f}{measured.p50:>8.2f}{measured.p99:>8.2f}{measured.cpu:>8.2f}"
