"""Storage and the database fail at any moment and in any way; every clip is migrated."""

import io
import os
import random
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from clips.migration.moving.executor import Outage
from clips.migration.outcomes import FailedFile, Outcome
from clips.migration.progress import ProgressDisplay
from clips.migration.receipt import Summary
from clips.migration.run import MigrationOptions, migrate
from clips.transfer.context import open_transfer
from local import azurite
from shared.catalogue.migration.migration_clip_queries import MigrationClips
from shared.errors import DatabaseUnavailable
from shared.settings import Settings, TransferSettings, from_mapping
from shared.storage.rest import RetryPolicy
from tests.migration.conftest import read
from tests.migration.flaky import Fault, Line, line_to
from tests.migration.old_service import OldService
from tests.services import AllServices

QUICK = RetryPolicy(first=0.01, longest=0.05, timeout=20.0)
BLOCK = 64 * 1024
LARGE = BLOCK + 5000


class FailureDisplay(ProgressDisplay):
    """Shows nothing and keeps the failed files."""

    def __init__(self) -> None:
        super().__init__(0, 0, io.StringIO(), terminal=False)
        self.failed: list[FailedFile] = []

    def add_outcome(self, outcome: Outcome) -> None:
        if isinstance(outcome, FailedFile):
            self.failed.append(outcome)


@dataclass
class Lab:
    """An old service whose requests to storage can fail."""

    old: OldService
    services: AllServices
    settings: TransferSettings
    line: Line
    block: int = BLOCK
    retry_policy: RetryPolicy = QUICK
    sent: int = 0
    display: FailureDisplay = field(default_factory=FailureDisplay)

    def move(self, at_once: int = 4) -> Summary:
        options = MigrationOptions(
            folder=os.fsencode(self.old.folder), batch_size=3, at_once=at_once
        )
        with open_transfer(
            self.settings, at_once=at_once, retry_policy=self.retry_policy, block=self.block
        ) as context:
            summary = migrate(context, options, lambda *_: self.display)
            self.sent = context.transfer.bytes_sent
        return summary

    def clips(self, *sizes: int) -> Mapping[UUID, bytes]:
        """New clips with files of random bytes, in an empty folder."""
        shutil.rmtree(self.old.folder)
        self.old.folder.mkdir()
        contents = [os.urandom(size) for size in sizes]
        return {self.old.clip_with_file(data): data for data in contents}

    def assert_there(self, clips: Mapping[UUID, bytes]) -> None:
        """Every clip once, with its own bytes."""
        for clip_id, data in clips.items():
            name = f"{self.old.video_id}/{clip_id}.mp4"
            assert self.old.row(clip_id)["blob_name"] == name
            assert read(self.services, "clips", name) == data


@pytest.fixture
def lab(
    old: OldService,
    services: AllServices,
    settings: Settings,
    environment: dict[str, str],
    azurite_account: azurite.Account,
) -> Iterator[Lab]:
    with line_to(azurite_account.blob_port) as line:
        direct = environment["AZURE_STORAGE_CONNECTION_STRING"]
        detour = direct.replace(f":{azurite_account.blob_port}/", f":{line.port}/")
        flaky = from_mapping(environment | {"AZURE_STORAGE_CONNECTION_STRING": detour})
        transfer_settings = TransferSettings(
            storage=flaky.storage,
            database_url=settings.database_url,
            container_prefix=settings.container_prefix,
        )
        yield Lab(old, services, transfer_settings, line)


@pytest.mark.parametrize("fault", Fault)
def test_run_survives_any_fault_at_any_single_request(lab: Lab, fault: Fault) -> None:
    """A small file, one of two blocks and a thumbnail; the fault strikes each request in turn."""
    if fault is Fault.SILENCE:
        lab.retry_policy = replace(QUICK, timeout=1.5)
    number = 0
    while True:
        clips = lab.clips(2000, LARGE)
        for clip_id in list(clips)[:1]:
            lab.old.file(f"{clip_id}_thumbnail.jpg", b"a picture")
        lab.line.requests.clear()
        lab.line.choose = lambda n, *_, at=number: fault if n == at else None
        summary = lab.move()
        assert summary.counts()["verified"] == 3, lab.display.failed
        lab.assert_there(clips)
        if number >= len(lab.line.requests):
            break
        number += 1
    assert number > 5


def test_run_survives_faults_at_every_third_request(lab: Lab) -> None:
    chance = random.Random(5)
    faults = [fault for fault in Fault if fault is not Fault.SILENCE]
    clips = lab.clips(*[chance.randrange(1, 100_000) for _ in range(40)], LARGE, LARGE)
    lock = threading.Lock()

    def choose(*_: object) -> Fault | None:
        with lock:
            return chance.choice(faults) if chance.random() < 0.3 else None

    lab.line.choose = choose
    assert lab.move(8).counts()["verified"] == 42
    lab.line.choose = lambda *_: None
    lab.assert_there(clips)


def test_run_fails_if_its_last_files_met_an_outage(lab: Lab) -> None:
    """Too few files fail in a row to end the run early."""
    lab.clips(1000, 1000)
    lab.line.choose = lambda *_: Fault.BUSY
    with pytest.raises(Outage):
        lab.move(4)
    assert [file.code for file in lab.display.failed] == ["storage_unavailable"] * 2


def test_run_ends_early_in_a_long_outage_of_storage(lab: Lab) -> None:
    """Without retrying each of the other files."""
    clips = lab.clips(*[1000] * 30)
    lab.line.choose = lambda *_: Fault.BUSY
    with pytest.raises(Outage):
        lab.move()
    assert len(lab.line.requests) < 15 * QUICK.attempts
    lab.line.choose = lambda *_: None
    assert lab.move().counts()["verified"] == 30
    lab.assert_there(clips)


def test_staged_blocks_of_a_long_file_are_not_sent_again(lab: Lab) -> None:
    """The run dies when half of the blocks are staged."""
    lab.block = 8 * 1024 * 1024
    clips = lab.clips(6 * lab.block)

    def half(*_: object) -> Fault | None:
        sent = sum("comp=block&" in path for _, path in lab.line.requests)
        return Fault.CUT if sent > 3 else None

    lab.line.choose = half
    with pytest.raises(Outage):
        lab.move(1)
    lab.line.choose = lambda *_: None
    lab.move(1)
    assert lab.sent == 3 * lab.block
    lab.assert_there(clips)


def test_run_survives_a_short_outage_of_the_database(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = lab.clips(*[1000] * 10)
    switch, calls = MigrationClips.set_blobs, 0

    def failing(self: MigrationClips, *arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise DatabaseUnavailable("The database cannot be reached.")
        return switch(self, *arguments)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(MigrationClips, "set_blobs", failing)
    assert lab.move().counts()["verified"] == 10
    lab.assert_there(clips)


def test_long_outage_of_the_database_ends_the_run_and_the_next_one_sends_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.block = 8 * 1024 * 1024
    clips = lab.clips(4 * lab.block + 1)

    def failing(*_: object) -> None:
        raise DatabaseUnavailable("The database cannot be reached.")

    with monkeypatch.context() as broken:
        broken.setattr(MigrationClips, "set_blobs", failing)
        with pytest.raises(Outage):
            lab.move()
    assert lab.move().counts()["verified"] == 1
    assert lab.sent == 0
    lab.assert_there(clips)
