"""Rules for imports that import-linter cannot express, and the start of the app."""

import ast
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clips.ingest.decoders import DECODERS
from clips.upkeep import deletion
from shared.catalogue.migration import migration_file_queries as migration_files
from shared.model.failure import MAX_DELIVERIES
from tests.settings import REQUIRED

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "function_app.py", *sorted(ROOT.glob("clips/**/*.py"))]
SOURCES += sorted(ROOT.glob("shared/**/*.py"))

# One owner for what others make; a more precise name goes before a shorter one.
OWNERS = {
    "azure.functions": {"function_app", "clips.http"},
    "azurefunctions": {"clips.ingest.blob_binding"},
    "azure.keyvault": {"shared.settings.key_vault"},
    "azure.identity": {"shared.auth.app_identity"},
    "azure.core": {
        "shared.storage",
        "shared.settings.key_vault",
        "shared.auth.app_identity",
        "shared.network.sdk_transport",
    },
    "azure": {"shared.storage"},
    "psycopg": {
        "shared.postgres.login",
        "shared.postgres.error_meaning",
        "shared.postgres.pool",
        "shared.schema.apply",
    },
    "psycopg_pool": {"shared.postgres.pool"},
    "certifi": {"shared.postgres.login"},
    "jwt": {"shared.auth.tokens", "shared.auth.signing_keys"},
    "pydantic": {"clips.http", "clips.sidecars"},
    "pydantic_core": {"clips.http"},
    "orjson": {"clips.http"},
    "av": {"shared.media"},
    "PIL": {"shared.media"},
    "opentelemetry": {"shared.telemetry"},
}
ENVIRONMENT = REQUIRED | {"FUNCTIONS_WORKER_RUNTIME": "python"}
CREDENTIALS = {
    "connection string": {
        "AZURE_STORAGE_CONNECTION_STRING": "AccountName=clips;AccountKey=c2VjcmV0;"
        "BlobEndpoint=https://clips.example.org"
    },
    "account key": {
        "AZURE_STORAGE_ACCOUNT_NAME": "clips",
        "AZURE_STORAGE_ACCOUNT_KEY": "c2VjcmV0",
    },
    "identity": {"AZURE_STORAGE_ACCOUNT_NAME": "clips"},
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(tree: ast.AST) -> Iterator[str]:
    """The full name of every module or member imported, anywhere in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def forbidden_imports(module: str, tree: ast.AST) -> list[str]:
    """Imports of libraries that only another module may use."""
    found = []
    for name in imports(tree):
        owned = next((package for package in OWNERS if is_in(name, package)), None)
        if owned and not any(is_in(module, owner) for owner in OWNERS[owned]):
            found.append(name)
    return found


def reads_the_environment(tree: ast.AST) -> bool:
    forbidden = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    uses = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }
    names = {name.removeprefix("os.") for name in imports(tree) if name.startswith("os.")}
    return bool((uses | names) & forbidden)


@pytest.fixture(scope="module")
def trees() -> Mapping[str, ast.AST]:
    """Every module of the app, by its name."""
    return {module_name(path): ast.parse(path.read_text()) for path in SOURCES}


def test_every_library_is_imported_by_its_owner_only(trees: Mapping[str, ast.AST]) -> None:
    found = {module: forbidden_imports(module, tree) for module, tree in trees.items()}
    assert {module: names for module, names in found.items() if names} == {}


def test_only_the_settings_read_the_environment(trees: Mapping[str, ast.AST]) -> None:
    readers = {module for module, tree in trees.items() if reads_the_environment(tree)}
    assert readers == {"shared.settings"}


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("clips.ingest.ingest", "from azure.storage.blob import BlobClient"),
        ("clips.ingest.ingest", "import azure.core.exceptions"),
        ("clips.handlers.clips", "import azure.functions as func"),
        ("shared.storage.sdk.blobs", "import azure.functions"),
        ("shared.catalogue.library.user_queries", "import psycopg"),
        ("shared.catalogue.library.user_queries", "from psycopg import Connection"),
        ("shared.catalogue.library.user_queries", "from psycopg_pool import ConnectionPool"),
        ("clips.ingest.ingest", "def later():\n    import av"),
        ("shared.mediator", "import PIL.Image"),
    ],
)
def test_rule_about_libraries_finds_an_offence(module: str, line: str) -> None:
    assert len(forbidden_imports(module, ast.parse(line))) == 1


@pytest.mark.parametrize(
    "line",
    ["import os\nx = os.environ['A']", "import os\nos.getenv('A')", "from os import environ as e"],
)
def test_rule_about_the_environment_finds_an_offence(line: str) -> None:
    assert reads_the_environment(ast.parse(line))


# Who deletes blobs, and by what in the catalogue it knows that it may: a blob under a video that
# the catalogue does not know may be all that is left of it.
DELETERS = {
    "clips.bin.bin_mover": "a version of a blob with a verified copy noted in a row, or in no row",
    "clips.cutting.source_ingest": "an older file of a video whose newer one was just published",
    "clips.cutting.sources": "the source of a video that the caller sees",
    "clips.drift.repairs.deleted_repair": "blobs of a clip that is on record as deleted",
    "clips.drift.repairs.image_repair": "images under a known video, of a clip that does not exist",
    "clips.ingest.image_writer": "images of a clip that was just claimed",
    "clips.ingest.ingest": "a blob that landed for a clip on record as deleted",
    "clips.sidecars.writer": "the sidecar of a row whose deletion the outbox has on record",
    "clips.renditions.maker": "a copy that was written for a clip with a row",
    "clips.upkeep.deletion": "blobs of a clip or video that is marked as deleted",
    "clips.upkeep.temporary": "blobs of the temp container, whose own date has passed",
    "shared.storage.sdk.blob_copies": "what the mover names, in batches",
}


def deletes_blobs(tree: ast.AST) -> bool:
    """Whether a deleting method of an object named `blobs` is used."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr.startswith("delete")
        and getattr(node.value, "attr", getattr(node.value, "id", "")).endswith("blobs")
        for node in ast.walk(tree)
    )


def test_only_listed_modules_delete_blobs(trees: Mapping[str, ast.AST]) -> None:
    deleters = {module for module, tree in trees.items() if deletes_blobs(tree)}
    assert deleters == set(DELETERS), "see tests/integration/test_unknown_videos.py"


@pytest.mark.parametrize(
    "line", ["self._blobs.delete(c, n)", "blobs.delete_prefix(c, p)", "f(self._blobs.delete)"]
)
def test_rule_about_deletions_finds_an_offence(line: str) -> None:
    assert deletes_blobs(ast.parse(line))


# An ignore names its rule and says why, after a dash or in a comment of its own.
IGNORE = re.compile(r"# (?:noqa|type: ignore)\b")
REASONED = re.compile(
    r"# noqa: [A-Z]+\d+(?:, [A-Z]+\d+)* - \S"
    r"|# type: ignore\[[a-z-]+(?:, [a-z-]+)*\](?:  # \w| # noqa: \S+ - \S)"
)


def unexplained_ignores(text: str) -> list[str]:
    """The lines with an ignore that is in neither of the two forms."""
    return [line for line in text.splitlines() if IGNORE.search(line) and not REASONED.search(line)]


def test_every_ignore_says_why() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for folder in ("clips", "shared", "local", "bench", "infra", "tests")
        for path in ROOT.glob(f"{folder}/**/*.py")
        if path != Path(__file__) and (lines := unexplained_ignores(path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "comment",
    ["noqa", "noqa: S101", "noqa: S101  # why", "type: ignore", "type: ignore[misc]"],
)
def test_rule_about_ignores_finds_an_offence(comment: str) -> None:
    assert len(unexplained_ignores(f"x = 1  # {comment}")) == 1


# --- How the app starts


def start(
    script: str, credentials: Mapping[str, str], *arguments: str, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Runs a script in a fresh interpreter with the app's settings and no others."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        cwd=ROOT,
        env=kept | ENVIRONMENT | dict(credentials) | changes,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# What takes long to load, and not every instance needs: loaded when it is first used.
LATE = (
    "av",
    "azure.core",
    "azure.identity",
    "azure.keyvault.secrets",
    "azure.storage.blob",
    "azure.storage.queue",
    "clips.bin",
    "clips.cutting",
    "clips.drift",
    "clips.handlers.clips",
    "clips.handlers.docs",
    "clips.http.answering",
    "clips.http.inputs",
    "clips.http.openapi.operations",
    "clips.http.outputs",
    "clips.ingest.ingest",
    "clips.library",
    "clips.links",
    "clips.migration",
    "clips.rebuild",
    "clips.sidecars",
    "clips.renditions",
    "clips.upkeep",
    "cryptography",
    "jwt",
    "opentelemetry",
    "PIL",
    "psycopg",
    "psycopg_pool",
    "pydantic",
    "shared.catalogue",
    "shared.model.clip",
    "shared.model.drift",
    "shared.storage.rest",
    "thash",
)

WATCHED_IMPORT = """
import gc, json, sys
seen = []
def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg"}:
        seen.append(event)
sys.addaudithook(watch)
import function_app
loaded = [name for name in sys.argv[1:] if name in sys.modules]
import socket
probe = socket.socket()
probe.setblocking(False)
before = list(seen)
try:
    probe.connect(("127.0.0.1", 9))
except OSError:
    pass
probe.close()
works = seen != before and gc.isenabled()
print(json.dumps({"seen": before, "works": works, "loaded": loaded}))
"""


@pytest.mark.parametrize("credentials", CREDENTIALS.values(), ids=CREDENTIALS.keys())
def test_start_connects_to_nothing_and_loads_little(credentials: Mapping[str, str]) -> None:
    """An instance starts fast, also during an outage; only an ingest loads FFmpeg."""
    started = start(WATCHED_IMPORT, credentials, *LATE)
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout) == {"seen": [], "works": True, "loaded": []}


@pytest.mark.parametrize("name", LATE)
def test_late_imports_exist(name: str) -> None:
    """A misspelt name would never be among the loaded ones."""
    assert importlib.util.find_spec(name) is not None


FIRST_CALLS = """
import json, sys, threading
import function_app
routes = function_app.routes.described
together = threading.Barrier(len(routes))
loaded = []
def load(route):
    together.wait()
    from clips.http.answering import respond
    loaded.append(route.operation.summary)
threads = [threading.Thread(target=load, args=(route,)) for route in routes]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps([len(routes), len(set(loaded))]))
"""


def test_handlers_can_be_loaded_by_all_threads_at_once() -> None:
    """The first calls of an instance may come at the same time."""
    started = start(FIRST_CALLS, CREDENTIALS["account key"])
    assert started.returncode == 0, started.stderr
    routes, loaded = json.loads(started.stdout)
    assert routes == loaded > 20, started.stderr


INDEX = """
import asyncio, json, sys
from pathlib import Path
from local.host import worker
functions = asyncio.run(worker.load(Path.cwd()))
print(json.dumps({f.name: [json.loads(raw) for raw in f.raw_bindings] for f in functions}))
"""

type Binding = dict[str, Any]

FALLBACK = "zz_unknown_route"


@pytest.fixture(scope="module")
def functions() -> dict[str, list[Binding]]:
    """The bindings of every function by name, as the worker library on Azure indexes them."""
    started = start(
        INDEX,
        CREDENTIALS["connection string"],
        AZURE_STORAGE_CONTAINER_NAME="films",
        CLEANUP_SCHEDULE="0 0 * * * *",
        BLOB_TRIGGER_SOURCE="LogsAndContainerScan",
    )
    assert started.returncode == 0, started.stderr
    found: dict[str, list[Binding]] = json.loads(started.stdout.splitlines()[-1])
    return found


def http_triggers(functions: dict[str, list[Binding]]) -> dict[str, Binding]:
    """The trigger of every HTTP function but the fallback, by the function's name."""
    return {
        name: bindings[0]
        for name, bindings in functions.items()
        if bindings[0]["type"] == "httpTrigger" and name != FALLBACK
    }


def test_worker_finds_the_functions_that_are_not_http(functions: dict[str, list[Binding]]) -> None:
    others = set(functions) - set(http_triggers(functions))
    assert others == {
        FALLBACK,
        "clip_landed",
        "source_landed",
        "clip_cut",
        "clip_rendition",
        "drift_run",
        "migration_batch",
        "deletion_batch",
        "cleanup",
    }


def test_http_functions_are_anonymous_and_answer_by_their_return_value(
    functions: dict[str, list[Binding]],
) -> None:
    """Tokens are checked in code; the host's `routePrefix` puts every route below /api."""
    triggers = http_triggers(functions)
    assert len(triggers) > 20
    for name, trigger in triggers.items():
        assert trigger["authLevel"] == "ANONYMOUS", name
        assert re.fullmatch(r"[a-z][\w./{}-]*", trigger["route"]), name
        assert not trigger["route"].startswith("api"), name
        assert functions[name][1:] == [{"name": "$return", "type": "http", "direction": "OUT"}]


def test_no_two_functions_answer_the_same_call(functions: dict[str, list[Binding]]) -> None:
    calls = [
        (method, re.sub(r"\{\w+\}", "{}", trigger["route"]).lower())
        for trigger in http_triggers(functions).values()
        for method in trigger["methods"]
    ]
    assert len(calls) == len(set(calls))


def test_catch_all_is_tried_last(functions: dict[str, list[Binding]]) -> None:
    """The host tries routes in the order of function names."""
    trigger, _ = functions[FALLBACK]
    assert trigger["route"] == "{*path}"
    assert "methods" not in trigger, "all of them, TRACE too"
    assert max(functions) == FALLBACK
    assert max(functions, key=str.lower) == FALLBACK


def test_blob_trigger_watches_the_clips_container(
    functions: dict[str, list[Binding]],
) -> None:
    """The blob is bound by reference: a stream would be read into memory completely."""
    (trigger,) = functions["clip_landed"]
    assert trigger["properties"] == {"SupportsDeferredBinding": True}
    assert {k: v for k, v in trigger.items() if k not in {"properties", "dataType"}} == {
        "name": "blob",
        "type": "blobTrigger",
        "direction": "IN",
        "path": "films-clips/{name}",
        "connection": "AZURE_STORAGE_CONNECTION_STRING",
        "source": "LogsAndContainerScan",
    }


def test_migrations_have_a_queue_of_their_own(functions: dict[str, list[Binding]]) -> None:
    bindings = {binding["type"]: binding for binding in functions["migration_batch"]}
    assert set(bindings) == {"queueTrigger", "queue"}, "its own messages wake the trigger"
    for binding in bindings.values():
        assert binding["queueName"] == "films-migrations"
        assert binding["connection"] == "AZURE_STORAGE_CONNECTION_STRING"


def test_cleanup_runs_on_its_schedule(functions: dict[str, list[Binding]]) -> None:
    (trigger,) = functions["cleanup"]
    assert {k: trigger[k] for k in ("name", "type", "schedule")} == {
        "name": "timer",
        "type": "timerTrigger",
        "schedule": "0 0 * * * *",
    }
    assert not trigger.get("runOnStartup")


@pytest.mark.parametrize("kind", ["account key", "identity"])
def test_trigger_without_a_connection_string_uses_the_prefix(kind: str) -> None:
    started = start(INDEX, CREDENTIALS[kind])
    assert started.returncode == 0, started.stderr
    bindings = json.loads(started.stdout.splitlines()[-1])
    assert bindings["migration_batch"][0]["connection"] == "AZURE_STORAGE"
    (trigger,) = bindings["clip_landed"]
    assert (trigger["connection"], trigger["source"]) == ("AZURE_STORAGE", "EventGrid")
    assert trigger["path"] == "cliplink-clips/{name}"


# --- What two files have to agree on


@pytest.fixture(scope="module")
def host() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "host.json").read_text())
    return found


def test_last_attempt_of_the_app_is_the_last_delivery(host: dict[str, Any]) -> None:
    assert host["extensions"]["blobs"]["poisonBlobThreshold"] == MAX_DELIVERIES


def test_file_is_tried_as_often_as_a_message_is_delivered(host: dict[str, Any]) -> None:
    assert host["extensions"]["queues"]["maxDequeueCount"] == migration_files.MAX_ATTEMPTS


def test_late_run_is_over_when_deletions_are_swept(host: dict[str, Any]) -> None:
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))
    longest = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert longest == deletion._LATE_RUN


def test_every_route_is_below_api(host: dict[str, Any]) -> None:
    assert host["extensions"]["http"]["routePrefix"] == "api"


def test_few_clips_are_worked_on_at_once(host: dict[str, Any]) -> None:
    """Three, so that one long film does not block an instance; two of them are decoded at once."""
    assert host["extensions"]["blobs"]["maxDegreeOfParallelism"] == 3
    assert DECODERS == 2


def test_every_pure_module_can_be_imported() -> None:
    """The names in the import rules exist: a rule about a misspelt module would check nothing."""
    rules = (ROOT / "pyproject.toml").read_text().partition("[tool.importlinter]")[2]
    names = set(re.findall(r'"((?:shared|clips)\.[\w.]+)"', rules))
    assert len(names) > 7
    for name in names:
        importlib.import_module(name)
