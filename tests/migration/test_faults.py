"""Storage and the database fail at any moment and in any way; the clips arrive all the same."""

import os
import random
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from clips.migration.items import Line as ReceiptLine
from clips.migration.receipt import Summary
from clips.migration.run import OutOfReach
from clips.migration.session import Order, move_in
from clips.transfer.context import tools
from local import azurite
from shared.catalogue.migration_clip_queries import Moving
from shared.errors import DatabaseUnavailable
from shared.settings import MoveSettings, Settings, from_mapping
from shared.storage import RetryPolicy
from tests.migration.conftest import read
from tests.migration.flaky import Fault, Line, line_to
from tests.migration.old_service import OldService
from tests.services import AllServices

QUICK = RetryPolicy(first=0.01, longest=0.05, timeout=20.0)
BLOCK = 64 * 1024
LARGE = BLOCK + 5000


@dataclass
class Quiet:
    """A meter that shows nothing and remembers what failed."""

    failed: list[ReceiptLine] = field(default_factory=list)

    def moved(self, size: int) -> None: ...
    def finished(self, line: ReceiptLine) -> None:
        if line["verdict"] == "failed":
            self.failed.append(line)

    def tick(self) -> None: ...
    def close(self) -> None: ...


@dataclass
class Lab:
    """An old service whose way to storage is flaky."""

    old: OldService
    services: AllServices
    settings: MoveSettings
    line: Line
    block: int = BLOCK
    retry_policy: RetryPolicy = QUICK
    sent: int = 0
    meter: Quiet = field(default_factory=Quiet)

    def move(self, at_once: int = 4) -> Summary:
        order = Order(folder=os.fsencode(self.old.folder), batch_size=3, at_once=at_once)
        with tools(
            self.settings, at_once=at_once, retry_policy=self.retry_policy, block=self.block
        ) as parts:
            summary = move_in(parts, order, lambda *_: self.meter)
            self.sent = parts.transfer.bytes_sent
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
        move_settings = MoveSettings(
            storage=flaky.storage,
            database_url=settings.database_url,
            container_prefix=settings.container_prefix,
        )
        yield Lab(old, services, move_settings, line)


@pytest.mark.parametrize("fault", Fault)
def test_any_fault_at_any_single_request_is_outlasted(lab: Lab, fault: Fault) -> None:
    """A small file, one of two blocks and a thumbnail; the fault strikes each request in turn."""
    if fault is Fault.SILENCE:
        lab.retry_policy = replace(QUICK, timeout=0.5)
    number = 0
    while True:
        clips = lab.clips(2000, LARGE)
        for clip_id in list(clips)[:1]:
            lab.old.file(f"{clip_id}_thumbnail.jpg", b"a picture")
        lab.line.requests.clear()
        lab.line.choose = lambda n, *_, at=number: fault if n == at else None
        summary = lab.move()
        assert summary.counts()["verified"] == 3, lab.meter.failed
        lab.assert_there(clips)
        if number >= len(lab.line.requests):
            break
        number += 1
    assert number > 5


def test_faults_at_every_third_request_are_outlasted(lab: Lab) -> None:
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


def test_a_run_whose_last_files_met_an_outage_is_not_done(lab: Lab) -> None:
    """Even if there are too few of them to tell on the way that storage stays away."""
    lab.clips(1000, 1000)
    lab.line.choose = lambda *_: Fault.BUSY
    with pytest.raises(OutOfReach):
        lab.move(4)
    assert [line["code"] for line in lab.meter.failed] == ["storage_unavailable"] * 2


def test_a_run_ends_when_storage_stays_away(lab: Lab) -> None:
    """Not after having tried each of the files for as long."""
    clips = lab.clips(*[1000] * 30)
    lab.line.choose = lambda *_: Fault.BUSY
    with pytest.raises(OutOfReach):
        lab.move()
    assert len(lab.line.requests) < 15 * QUICK.attempts
    lab.line.choose = lambda *_: None
    assert lab.move().counts()["verified"] == 30
    lab.assert_there(clips)


def test_what_arrived_of_a_long_file_is_not_sent_again(lab: Lab) -> None:
    """The run dies when half of the blocks are staged."""
    lab.block = 8 * 1024 * 1024
    clips = lab.clips(6 * lab.block)

    def half(*_: object) -> Fault | None:
        sent = sum("comp=block&" in path for _, path in lab.line.requests)
        return Fault.CUT if sent > 3 else None

    lab.line.choose = half
    with pytest.raises(OutOfReach):
        lab.move(1)
    lab.line.choose = lambda *_: None
    lab.move(1)
    assert lab.sent == 3 * lab.block
    lab.assert_there(clips)


def test_the_database_may_be_away_for_a_moment(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = lab.clips(*[1000] * 10)
    switch, calls = Moving.switch, 0

    def failing(self: Moving, *arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise DatabaseUnavailable("The database cannot be reached.")
        return switch(self, *arguments)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(Moving, "switch", failing)
    assert lab.move().counts()["verified"] == 10
    lab.assert_there(clips)


def test_a_database_that_stays_away_ends_the_run_and_the_next_one_sends_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.block = 8 * 1024 * 1024
    clips = lab.clips(4 * lab.block + 1)

    def failing(*_: object) -> None:
        raise DatabaseUnavailable("The database cannot be reached.")

    with monkeypatch.context() as broken:
        broken.setattr(Moving, "switch", failing)
        with pytest.raises(OutOfReach):
            lab.move()
    assert lab.move().counts()["verified"] == 1
    assert lab.sent == 0
    lab.assert_there(clips)
