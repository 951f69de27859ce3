"""Rehydration of archived clips, on a storage that takes hours, as Azure does."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clips.links.archive import Archive
from shared.blob_names.containers import Containers
from shared.errors import BlobMissing
from shared.model.blob import Blob, RehydratePriority, Rehydration
from shared.storage.sdk.blobs import Blobs
from tests.conftest import SetClock

STANDARD, HIGH = RehydratePriority.STANDARD, RehydratePriority.HIGH
IN_AN_HOUR = Rehydration(STANDARD, 3600)
IN_TEN_MINUTES = Rehydration(HIGH, 600)
NAME = "v/a.mp4"


class Tiers(Blobs):
    """A storage that knows only the tiers of its blobs; rehydration takes hours."""

    def __init__(self) -> None:
        self.blobs: dict[str, Blob] = {}
        self.looks = 0
        self.calls: list[tuple[str, RehydratePriority]] = []
        self.unchangeable = False
        self.when_looked_at: list[threading.Barrier] = []

    def store(self, name: str, tier: str, rehydrating: RehydratePriority | None = None) -> None:
        self.blobs[name] = Blob(
            name=name,
            etag="0x1",
            size=1,
            last_modified=datetime(2026, 11, 22, tzinfo=UTC),
            content_type=None,
            content_md5=None,
            access_tier=tier,
            metadata={},
            rehydrating=rehydrating,
        )

    def arrives(self, name: str) -> None:
        self.store(name, "Hot")

    def get(self, container: str, name: str) -> Blob:
        assert container == "test-clips"
        self.looks += 1
        if name not in self.blobs:
            raise BlobMissing("There is no such blob.")
        blob = self.blobs[name]
        if self.when_looked_at:
            self.when_looked_at.pop().wait(10)
        return blob

    def rehydrate(self, container: str, name: str, priority: RehydratePriority) -> bool:
        """As Set Blob Tier: a rehydration can be accelerated, but not slowed or restarted."""
        assert container == "test-clips"
        self.calls.append((name, priority))
        under_way = self.blobs[name].rehydrating
        if under_way is not None and (self.unchangeable or priority is STANDARD):
            return False
        self.blobs[name] = replace(self.blobs[name], rehydrating=priority)
        return True


def never_sure(container: str, name: str) -> bool:  # noqa: ARG001 - as TierCheck.is_readable
    """A check without a result, so that the app asks storage in full."""
    return False


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 11, 22, 12, tzinfo=UTC))


@pytest.fixture
def tiers() -> Tiers:
    return Tiers()


@pytest.fixture
def archive(clock: SetClock, tiers: Tiers) -> Archive:
    return Archive(clock, tiers, Containers("test"), never_sure)


@pytest.mark.parametrize("tier", ["Hot", "Cool", "Cold"])
def test_clip_in_any_other_tier_is_available_at_once(
    archive: Archive, tiers: Tiers, tier: str
) -> None:
    tiers.store(NAME, tier)
    assert archive.state(NAME, STANDARD) is None
    assert tiers.calls == []


def test_repeated_requests_start_one_rehydration(
    archive: Archive, tiers: Tiers, clock: SetClock
) -> None:
    tiers.store(NAME, "Archive")
    for _ in range(15):
        assert archive.state(NAME, STANDARD) == IN_AN_HOUR
        clock.advance(hours=1)
    assert tiers.calls == [(NAME, STANDARD)]
    tiers.arrives(NAME)
    assert archive.state(NAME, STANDARD) is None
    assert tiers.calls == [(NAME, STANDARD)]


def test_another_instance_goes_on_where_one_began(
    archive: Archive, tiers: Tiers, clock: SetClock
) -> None:
    tiers.store(NAME, "Archive")
    archive.state(NAME, HIGH)
    other = Archive(clock, tiers, Containers("test"), never_sure)
    assert other.state(NAME, STANDARD) == IN_TEN_MINUTES
    assert len(tiers.calls) == 1


def test_rehydration_can_be_accelerated_but_not_slowed_down(archive: Archive, tiers: Tiers) -> None:
    tiers.store(NAME, "Archive")
    assert archive.state(NAME, STANDARD) == IN_AN_HOUR
    assert archive.state(NAME, HIGH) == IN_TEN_MINUTES
    assert archive.state(NAME, STANDARD) == IN_TEN_MINUTES
    assert tiers.calls == [(NAME, STANDARD), (NAME, HIGH)]


def test_fixed_rehydration_is_returned_unchanged(archive: Archive, tiers: Tiers) -> None:
    """Another call restores it to another tier, for example."""
    tiers.store(NAME, "Archive", STANDARD)
    tiers.unchangeable = True
    assert archive.state(NAME, HIGH) == IN_AN_HOUR


def test_one_of_many_concurrent_callers_starts_rehydration(archive: Archive, tiers: Tiers) -> None:
    """All callers see the clip in the archive before the first starts its rehydration."""
    tiers.store(NAME, "Archive")
    barrier = threading.Barrier(8)
    tiers.when_looked_at = [barrier] * 8
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: archive.state(NAME, STANDARD), range(8)))
    assert answers == [IN_AN_HOUR] * 8
    assert tiers.calls == [(NAME, STANDARD)]


def test_later_of_two_instances_finds_rehydration_started(
    archive: Archive, tiers: Tiers, clock: SetClock
) -> None:
    """Storage refuses the second, and both callers get the same answer."""
    tiers.store(NAME, "Archive")
    other = Archive(clock, tiers, Containers("test"), never_sure)
    barrier = threading.Barrier(2)
    # Each looks twice before it begins: both have by then.
    tiers.when_looked_at = [barrier] * 4
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: one.state(NAME, STANDARD), (archive, other)))
    assert answers == [IN_AN_HOUR] * 2
    assert tiers.blobs[NAME].rehydrating is STANDARD


def test_blob_may_be_online_before_rehydration_starts(archive: Archive, tiers: Tiers) -> None:
    """It happens between two requests; an emulator is that fast."""
    tiers.store(NAME, "Archive")
    looked = threading.Barrier(2)
    tiers.when_looked_at = [looked]
    with ThreadPoolExecutor(1) as pool:
        with archive._starting:
            answer = pool.submit(archive.state, NAME, STANDARD)
            looked.wait(10)
            tiers.arrives(NAME)
        assert answer.result(10) is None
    assert tiers.calls == []


def test_missing_blob_is_missing(archive: Archive) -> None:
    with pytest.raises(BlobMissing):
        archive.state(NAME, STANDARD)


def test_storage_is_not_asked_again_within_two_seconds(
    archive: Archive, tiers: Tiers, clock: SetClock
) -> None:
    """A page may ask for the same clip many times; an archived clip is checked each time."""
    tiers.store(NAME, "Hot")
    for _ in range(4):
        archive.state(NAME, STANDARD)
        clock.now += timedelta(milliseconds=499)
    assert tiers.looks == 1
    tiers.store(NAME, "Archive")
    clock.advance(seconds=1)
    assert archive.state(NAME, STANDARD) == IN_AN_HOUR
    tiers.arrives(NAME)
    assert archive.state(NAME, STANDARD) is None


def test_cache_is_bounded(archive: Archive, tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clips.links.archive._MAX_REMEMBERED", 10)
    for number in range(100):
        tiers.store(f"v/{number}.mp4", "Hot")
        archive.state(f"v/{number}.mp4", STANDARD)
    assert len(archive._online) <= 10
