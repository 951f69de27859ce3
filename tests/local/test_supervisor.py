"""`make run` without make: everything starts, and nothing is left behind, however it ends."""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
from azure.storage.blob import BlobServiceClient

from local import azurite, stack
from local.__main__ import port_number
from local.issuer import AUDIENCE, ISSUER
from tests import copies
from tests.local.sample import APP, NEVER, wait_until


@dataclass(frozen=True, slots=True)
class Copy:
    """A running copy, and the lines that it has printed until it was ready."""

    process: subprocess.Popen[str]
    lines: list[str]

    def address(self, name: str) -> str:
        return next(line.split()[1] for line in self.lines if line.startswith(f"{name}:"))

    @property
    def connection_string(self) -> str:
        return next(line.strip() for line in self.lines if "AccountKey" in line)

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts copies on one port, in turns."""

    port: int
    folder: Path
    stack: ExitStack

    def start(self) -> Copy:
        """Starts a copy and waits until it says that it is ready."""
        return self.wait(self.launch())

    def launch(self) -> subprocess.Popen[str]:
        """Starts a copy without waiting for it."""
        environment = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "PREFIX": "sample",
            "QUEUE": "sample",
            "TICK": NEVER,
            "RECORD": str(self.folder / "record"),
        }
        command = [sys.executable, "-m", "local", "run", "--port", str(self.port)]
        with (self.folder / "errors").open("a") as errors:
            process = subprocess.Popen(
                [*command, "--app", str(APP)],
                cwd=stack.PROJECT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.stack.callback(_end, process)
        return process

    def wait(self, process: subprocess.Popen[str]) -> Copy:
        """Waits until a copy says that it is ready."""
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if "ready" in line:
                return Copy(process, lines)
        raise AssertionError((self.folder / "errors").read_text())


def _alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run: a zombie waits for its parent only, which may be a lazy init."""
    alive = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
        except psutil.NoSuchProcess:
            continue
    return alive


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """A port of the test's own; its data is deleted at the end."""
    with copies.place() as port, ExitStack() as exits:
        yield Launcher(port, tmp_path, exits)


def test_copy_runs_until_it_is_stopped(launcher: Launcher) -> None:
    """Its port is refused to others, a killed host is started again, and Ctrl-C is no failure."""
    copy = launcher.start()
    assert copy.lines[-1] == f"Cliplink is ready: http://localhost:{launcher.port}"
    children = copy.descendants()
    assert {child.name() for child in children} >= {"node", "postgres"}
    _check_that_port_is_refused(launcher.port)

    host = next(child for child in children if "local.host" in child.cmdline())
    host.kill()
    assert copy.process.stdout is not None
    assert copy.process.stdout.readline() == "The functions host was killed: starting it again\n"
    assert copy.process.stdout.readline().startswith("Cliplink is ready: ")
    others = [child for child in children if child.pid != host.pid]
    assert _alive(others) == others

    children = copy.descendants()
    copy.process.send_signal(signal.SIGINT)
    assert copy.process.wait(30) == 0
    assert _alive(children) == []


def _check_that_port_is_refused(port: int) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "local", "run", "--port", str(port)],
        check=False,
        capture_output=True,
        text=True,
        cwd=stack.PROJECT,
    )
    assert refused.returncode == 1
    assert f"Port {port} is taken" in refused.stderr


def test_data_survives_a_killed_copy_and_addresses_stay(launcher: Launcher) -> None:
    """The kernel ends the children of a killed copy; the next one finds its data and ports.

    The next one also starts its host again when that is killed before it is ready, and ends when
    another part dies, with the end of that part's log.
    """
    first = launcher.start()
    with psycopg.connect(first.address("Postgres")) as connection:
        connection.execute("CREATE TABLE kept (what text)")
    with BlobServiceClient.from_connection_string(first.connection_string) as client:
        names = {container.name for container in client.list_containers()}
        assert names >= {f"cliplink-{kind}" for kind in ("videos", "clips", "thumbnails", "temp")}
        (rule,) = client.get_service_properties()["cors"]
        assert rule.allowed_origins == "*"
        assert {"PUT", "GET"} <= set(rule.allowed_methods.split(","))
    children = first.descendants()
    first.process.kill()
    first.process.wait()

    process = launcher.launch()
    killed = _kill_host(process.pid, other_than=None)
    assert killed != _kill_host(process.pid, other_than=killed)
    second = launcher.wait(process)
    restarts = [line for line in second.lines if "was killed" in line]
    assert restarts == ["The functions host was killed: starting it again"] * 2
    wait_until(lambda: not _alive(children), "no orphan")
    assert [line for line in second.lines if line not in restarts] == [
        line for line in first.lines if not line.startswith("applied")
    ]
    with psycopg.connect(second.address("Postgres")) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)

    children = second.descendants()
    next(child for child in children if child.name() == "node").kill()
    assert process.wait(30) == 1
    errors = (launcher.folder / "errors").read_text()
    assert "Azurite ended unexpectedly" in errors
    assert "azurite.log" in errors
    wait_until(lambda: not _alive(children), "no orphan")


def _kill_host(supervisor: int, other_than: int | None) -> int:
    """Kills the host of a copy as soon as there is one; returns its process id."""
    found: list[psutil.Process] = []

    def look() -> bool:
        for process in psutil.Process(supervisor).children():
            with suppress(psutil.NoSuchProcess):
                if process.pid != other_than and "local.host" in process.cmdline():
                    found.append(process)
        return bool(found)

    wait_until(look, "a host")
    found[0].kill()
    return found[0].pid


def test_copies_that_start_together_are_all_ready(launcher: Launcher, tmp_path: Path) -> None:
    """They want the same ports at the same moment; each has services of its own.

    SIGTERM ends one of them alone.
    """
    port = launcher.stack.enter_context(copies.place())
    copies.share_ports(launcher.port, port)
    launchers = [launcher, Launcher(port, tmp_path, launcher.stack)]
    processes = [one.launch() for one in launchers]
    first, second = (one.wait(process) for one, process in zip(launchers, processes, strict=True))
    for service in ("Postgres", "Azurite", "Issuer"):
        assert first.address(service) != second.address(service)
    children = first.descendants()
    first.process.terminate()
    assert first.process.wait(30) == 0
    assert _alive(children) == []
    assert second.process.poll() is None


def test_token_command_prints_only_the_token() -> None:
    """`make token` is meant for $(...)."""
    result = subprocess.run(
        [sys.executable, "-m", "local", "token", "--subject", "alice", "--roles", "admin, other"],
        check=True,
        capture_output=True,
        text=True,
        cwd=stack.PROJECT,
    )
    assert result.stdout.count(".") == 2
    assert result.stdout.split() == [result.stdout.strip()]
    assert result.stderr == ""


def test_invalid_port_is_reported() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "local", "run"],
        check=False,
        capture_output=True,
        text=True,
        cwd=stack.PROJECT,
        env={**os.environ, "PORT": "65536"},
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert "'65536' is not a port: use PORT=1 to PORT=65535" in result.stderr


@pytest.mark.parametrize("text", ["abc", "0", "-1", "80 81", "7_071", ""])
def test_text_that_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a port: use PORT=1 to PORT=65535"):
        port_number(text)


def test_example_for_core_tools_names_the_usual_addresses() -> None:
    """`func start` finds what `make services` starts, as long as the ports are free."""
    example = json.loads((stack.PROJECT / "local.settings.json.example").read_text())
    values = example["Values"]
    port = stack.PREFERRED_PORTS
    account = (
        f"BlobEndpoint=http://127.0.0.1:{port['blob']}/{azurite.ACCOUNT};"
        f"QueueEndpoint=http://127.0.0.1:{port['queue']}/{azurite.ACCOUNT};"
    )
    assert values["AZURE_STORAGE_CONNECTION_STRING"].endswith(account)
    assert values["AzureWebJobsStorage"] == values["AZURE_STORAGE_CONNECTION_STRING"]
    assert values["DATABASE_URL"] == f"postgresql://cliplink@127.0.0.1:{port['postgres']}/cliplink"
    assert values["AUTH_JWKS_URL"] == f"http://127.0.0.1:{port['issuer']}/jwks.json"
    assert (values["AUTH_ISSUER"], values["AUTH_AUDIENCE"]) == (ISSUER, AUDIENCE)
    assert example["Host"] == {"LocalHttpPort": stack.DEFAULT_PORT, "CORS": "*"}
