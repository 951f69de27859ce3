"""One installation for each kind of triggers, and the records of both."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from local import azurite
from local.ports import free_port
from tests import storage_proxy
from tests.e2e.conftest import NewApp, film, new_app  # noqa: F401 - fixtures of this folder too
from tests.triggers.installation import LOCAL, MICROSOFT, Gate, Installation, installed, program

_NO_PROGRAM = "no program with Microsoft's triggers: name one with TRIGGERS=/path/to/it"


@dataclass
class Records:
    """The records, by scenario and kind of triggers."""

    rows: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, scenario: str, mode: str, record: object, seconds: float | None = None) -> None:
        """Adds a record; fails if the record of the other kind of triggers differs."""
        text = str(record)
        row = self.rows.setdefault(scenario, {})
        others = {other: said for other, said in row.items() if not other.endswith("seconds")}
        row[mode] = text
        if seconds is not None:
            row[f"{mode} seconds"] = f"{seconds:.1f}"
        for other, said in others.items():
            assert said == text, f"{scenario}: {mode} did {text}, {other} did {said}"


_records = Records()


@pytest.fixture(scope="session")
def records() -> Records:
    return _records


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _records.rows:
        return
    terminalreporter.section("scenarios, by the triggers that drove the app")
    for scenario, row in _records.rows.items():
        for mode in (LOCAL, MICROSOFT):
            seconds = row.get(f"{mode} seconds")
            took = "" if seconds is None else f" ({seconds} s)"
            said = row.get(mode, "-").replace("\\n", "")[:120]
            terminalreporter.write_line(f"{scenario:<36} {mode:<10} {said}{took}")


@contextmanager
def _installation(
    new_app: NewApp,  # noqa: F811 - the fixture's value
    account: azurite.Account,
    mode: str,
    **changed: str,
) -> Iterator[Installation]:
    if mode == MICROSOFT and program() is None:
        pytest.skip(_NO_PROGRAM)
    gate, port = Gate(), free_port()
    with ExitStack() as stack:
        stack.enter_context(storage_proxy.running(port, account.blob_port, gate=gate))
        direct = account.connection_string
        app = new_app(
            AZURE_STORAGE_CONNECTION_STRING=direct.replace(f":{account.blob_port}/", f":{port}/"),
            # The connection of the triggers: their own way to storage stays open.
            AzureWebJobsAZURE_STORAGE_CONNECTION_STRING=direct,
            **changed,
        )
        yield stack.enter_context(installed(app, gate, mode))


@pytest.fixture(scope="package", params=[LOCAL, MICROSOFT])
def with_events(
    request: pytest.FixtureRequest,
    new_app: NewApp,  # noqa: F811 - the fixture
    azurite_account: azurite.Account,
) -> Iterator[Installation]:
    """An installation with events of Event Grid."""
    with _installation(
        new_app, azurite_account, request.param, BLOB_TRIGGER_SOURCE="EventGrid"
    ) as installation:
        yield installation


@pytest.fixture(scope="package", params=[LOCAL, MICROSOFT])
def polled(
    request: pytest.FixtureRequest,
    new_app: NewApp,  # noqa: F811 - the fixture
    azurite_account: azurite.Account,
) -> Iterator[Installation]:
    """An installation that polls its container, and whose cleanup is due every two seconds."""
    with _installation(
        new_app, azurite_account, request.param, CLEANUP_SCHEDULE="*/2 * * * * *"
    ) as installation:
        yield installation
