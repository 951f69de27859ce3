"""Runs of the command on real servers, in this process or in a child process."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clips.migration import cli
from clips.migration.progress import ProgressDisplay
from tests.media import clips as media
from tests.migration.old_service import OldService
from tests.services import AllServices

SETTINGS = ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_CONTAINER_NAME", "DATABASE_URL")

type Json = dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """A run of the command; `lines` are those of its receipt, `summary` the last of them."""

    code: int
    out: str
    err: str
    receipt: bytes
    lines: list[Json]
    summary: Json
    deletable: list[str]

    @property
    def sent(self) -> int:
        return int(self.out.partition("bytes sent: ")[2].split()[0])

    def of(self, path: str) -> Json:
        (line,) = (line for line in self.lines if line.get("path") == path)
        return line

    def verdicts(self) -> dict[str, str]:
        """The code, or else the verdict, by path or clip."""
        return {
            line.get("path") or line.get("url") or line["clip_id"]: line.get("code")
            or line["verdict"]
            for line in self.lines
        }


type Command = Callable[..., Ran]


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of 320x180 H.264."""
    return media.make(tmp_path_factory.mktemp("film") / "film.mp4", media.Clip()).read_bytes()


@pytest.fixture
def old(database_url: str, tmp_path: Path) -> OldService:
    return OldService(database_url, tmp_path / "old")


@pytest.fixture
def command_environment(environment: dict[str, str]) -> Mapping[str, str]:
    """The settings that the command reads, without those for tokens."""
    return {name: environment[name] for name in SETTINGS}


@pytest.fixture
def run(
    old: OldService,
    command_environment: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Runs the command on the old service's folder and reads its receipt."""
    for name in tuple(os.environ):
        if name.startswith(("AZURE_", "AUTH_", "DATABASE_")):
            monkeypatch.delenv(name)
    for name, value in command_environment.items():
        monkeypatch.setenv(name, value)
    report = tmp_path / "receipt.jsonl"

    def run_command(*arguments: str) -> Ran:
        report.unlink(missing_ok=True)
        capsys.readouterr()
        code = cli.main([str(old.folder), "--report", str(report), *arguments])
        said = capsys.readouterr()
        return ran(code, said.out, said.err, report)

    return run_command


def ran(code: int, out: str, err: str, report: Path) -> Ran:
    receipt = report.read_bytes() if report.exists() else b""
    lines = [json.loads(line) for line in receipt.splitlines()]
    beside = report.with_name(f"{report.name}.safe-to-delete")
    names = beside.read_bytes().split(b"\0")[:-1] if beside.exists() else []
    return Ran(
        code,
        out,
        err,
        receipt,
        lines[:-1],
        lines[-1] if lines else {},
        [os.fsdecode(name) for name in names],
    )


def before_moving(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Calls a function after the plan and before the first file is read."""
    open_display = cli._open_display

    def acting(count: int, size: int) -> ProgressDisplay:
        act()
        return open_display(count, size)

    monkeypatch.setattr(cli, "_open_display", acting)


def read(services: AllServices, kind: str, name: str) -> bytes:
    container = f"{services.containers.prefix}-{kind}"
    return services.account.client.get_blob_client(container, name).download_blob().readall()
