"""Uploads, deletions, restores, purges, pins and cleanups in any order, compared with a model.

Two instances with clocks ten minutes apart work on one database and one account; at any request
the process dies, or storage or database fail. In the end every clip is where the model has it, with
the bytes that were uploaded last, and nothing else is stored.

NOTHING_LOST_EXAMPLES sets the number of stories.
"""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from clips.rebuild import command
from clips.rebuild.report import Report
from shared import blob_names
from shared.errors import BlobHeld, CliplinkError, DatabaseUnavailable, StorageUnavailable
from shared.model.clip import ClipUpdate
from shared.model.drift import DriftKind, DriftReport
from shared.model.video import Video
from shared.settings import Settings, TransferSettings
from tests.integration import faults
from tests.integration.faults import Death, Requests
from tests.integration.library import Library
from tests.services import AllServices, compose_all

_EXAMPLES = int(os.environ.get("NOTHING_LOST_EXAMPLES", "8"))
_STEPS = 20
_MOST_CLIPS, _MOST_VIDEOS = 4, 2

KINDS: dict[str, Callable[[], BaseException]] = {
    "death": Death,
    "storage": lambda: StorageUnavailable("503, 429 or a time-out"),
    "database": lambda: DatabaseUnavailable("restarted, or read-only"),
    "hold": lambda: BlobHeld("409 of a legal hold"),
}

_EXPIRED = "expires_at <= now() AND NOT pinned"

# At which request, and which of KINDS.
type Fault = tuple[int, str] | None

FAULTS: st.SearchStrategy[Fault] = st.one_of(
    st.none(), st.tuples(st.integers(1, 25), st.sampled_from(sorted(KINDS)))
)
INSTANCES = st.integers(0, 1)
CHOICES = st.integers(0, 100)


@dataclass
class Item:
    """A clip or video as the model has it: visible, in the bin, or gone."""

    id: UUID
    state: str = "visible"


@dataclass
class ModelClip(Item):
    video: Item = field(default_factory=lambda: Item(UUID(int=0)))
    name: str = ""
    data: bytes | None = None
    pinned: bool = False

    @property
    def is_seen(self) -> bool:
        return self.state == self.video.state == "visible"

    @property
    def is_gone(self) -> bool:
        return "gone" in {self.state, self.video.state}


@dataclass
class World:
    instances: tuple[AllServices, AllServices]
    requests: Requests
    settings: Settings


class Story(RuleBasedStateMachine):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.library = Library(world.instances[0])
        self.videos = [Item(self.library.video.id)]
        self.clips: list[ModelClip] = []
        self.versions = 0

    # --- What users do

    @precondition(lambda self: len(self.videos) < _MOST_VIDEOS)
    @rule()
    def make_video(self) -> None:
        video = self.library.services.videos.add(self.library.user.id, "another", None)
        assert video is not None
        self.videos.append(Item(video.id))

    @precondition(lambda self: self._any(self.videos) and len(self.clips) < _MOST_CLIPS)
    @rule(choice=CHOICES, uploaded=st.booleans())
    def announce(self, choice: int, uploaded: bool) -> None:  # noqa: FBT001 - drawn
        video = self._pick(self._any(self.videos), choice)
        self.library.video = self._video(video)
        clip = self.library.announce()
        new = ModelClip(clip.id, video=video, name=str(clip.blob_name))
        self.clips.append(new)
        if uploaded:
            self._upload(new)

    @precondition(lambda self: self.clips)
    @rule(choice=CHOICES)
    def upload_or_overwrite(self, choice: int) -> None:
        """By an upload link, which also works for a clip that is deleted."""
        self._upload(self._pick(self.clips, choice))

    @precondition(lambda self: self.clips)
    @rule(choice=CHOICES, instance=INSTANCES, fault=FAULTS, permanent=st.booleans())
    def delete(self, choice: int, instance: int, fault: Fault, permanent: bool) -> None:  # noqa: FBT001 - drawn
        clip = self._pick(self.clips, choice)
        services = self.world.instances[instance]
        possible = clip.is_seen and not clip.pinned
        in_bin = clip.state == "in bin" and clip.video.state != "gone"
        after = clip.state
        if possible or (in_bin and permanent):
            after = "gone" if permanent else "in bin"
        done = self._call(
            fault,
            lambda: services.bin.delete_clip(self.library.viewer, clip.id, permanent=permanent),
        )
        self._follow(clip, done, after, fault, expected=possible or (in_bin and permanent))

    @precondition(lambda self: self.clips)
    @rule(choice=CHOICES, instance=INSTANCES, fault=FAULTS)
    def restore(self, choice: int, instance: int, fault: Fault) -> None:
        clip = self._pick(self.clips, choice)
        services = self.world.instances[instance]
        possible = clip.state != "gone" and clip.video.state == "visible"
        after = "visible" if possible else clip.state

        def restored() -> bool:
            return services.bin.restore_clips(self.library.viewer, [clip.id])[clip.id] is None

        done = self._call(fault, restored)
        self._follow(clip, done, after, fault, expected=possible)

    @rule(choice=CHOICES, instance=INSTANCES, fault=FAULTS, permanent=st.booleans())
    def delete_video(self, choice: int, instance: int, fault: Fault, permanent: bool) -> None:  # noqa: FBT001 - drawn
        video = self._pick(self.videos, choice)
        services = self.world.instances[instance]
        pinned = any(clip.pinned and clip.is_seen and clip.video is video for clip in self.clips)
        possible = (video.state == "visible" and not pinned) or (
            video.state == "in bin" and permanent
        )
        after = ("gone" if permanent else "in bin") if possible else video.state
        done = self._call(
            fault,
            lambda: services.bin.delete_video(self.library.viewer, video.id, permanent=permanent),
        )
        self._follow(video, done, after, fault, expected=possible)

    @rule(choice=CHOICES, instance=INSTANCES, fault=FAULTS)
    def restore_video(self, choice: int, instance: int, fault: Fault) -> None:
        video = self._pick(self.videos, choice)
        services = self.world.instances[instance]
        possible = video.state != "gone"
        after = "visible" if possible else "gone"
        done = self._call(fault, lambda: services.bin.restore_video(self.library.viewer, video.id))
        self._follow(video, done, after, fault, expected=possible)

    @precondition(lambda self: any(clip.is_seen for clip in self.clips))
    @rule(choice=CHOICES, pinned=st.booleans())
    def pin(self, choice: int, pinned: bool) -> None:  # noqa: FBT001 - drawn
        clip = self._pick([clip for clip in self.clips if clip.is_seen], choice)
        update = ClipUpdate(named=frozenset({"pinned"}), pinned=pinned)
        self.library.services.library.change(self.library.viewer, clip.id, update)
        clip.pinned = pinned

    # --- What time and the host do

    @precondition(lambda self: any(clip.is_seen and not clip.pinned for clip in self.clips))
    @rule(choice=CHOICES)
    def expire(self, choice: int) -> None:
        clip = self._pick([c for c in self.clips if c.is_seen and not c.pinned], choice)
        self._sql("UPDATE clips SET expires_at = now() WHERE id = %(id)s", clip)
        clip.state = "gone"

    @rule(choice=CHOICES)
    def purge(self, choice: int) -> None:
        items = [item for item in (*self.clips, *self.videos) if item.state == "in bin"]
        if items:
            item = self._pick(items, choice)
            due = "SET purge_at = now() WHERE id = %(id)s AND purge_at > now()"
            self._sql(f"UPDATE {_table(item)} {due}", item)
            self.library.services.cleanup.run()
            item.state = "gone"

    @rule(instance=INSTANCES, fault=FAULTS)
    def work_of_the_queue(self, instance: int, fault: Fault) -> None:
        library = self._of(instance)
        library.make_due()
        self._call(fault, library.work_off)

    @rule(instance=INSTANCES, fault=FAULTS)
    def events(self, instance: int, fault: Fault) -> None:
        for name in self._names("clips"):
            landed = self.world.instances[instance].ingest.landed
            self._call(fault, lambda: landed(name))  # noqa: B023 - called at once

    @rule(instance=INSTANCES, fault=FAULTS)
    def cleanup(self, instance: int, fault: Fault) -> None:
        self._call(fault, self.world.instances[instance].cleanup.run)

    @rule(instance=INSTANCES, fault=FAULTS)
    def repair_drift(self, instance: int, fault: Fault) -> None:
        """An admin repairs all differences, even those of unfinished calls."""
        drift = self.world.instances[instance].drift

        def repair() -> None:
            run = self._drift(instance)
            if run.counts:
                shown = drift.start_repair(
                    run.id, [DriftKind(kind) for kind in run.counts], force=True
                )
                if shown.repair is not None:
                    self._work_on_drift(instance, shown.repair.report.id)

        self._call(fault, repair)

    @rule(fault=FAULTS)
    def rebuild(self, fault: Fault) -> None:
        """A rebuild of a complete catalogue must change nothing."""
        self._call(fault, self._rebuild)

    # --- The end

    def teardown(self) -> None:
        self.world.requests.disarm()
        for instance in (0, 1, 0):
            library = self._of(instance)
            library.services.cleanup.run()
            library.make_due()
            library.work_off()
            for name in self._names("clips"):
                library.services.ingest.landed(name)
        self._of(0).work_off()
        assert dict(self._drift(1).counts) == {}
        stored: set[tuple[str, str]] = set()
        for clip in self.clips:
            stored |= self._check(clip)
        for kind in ("videos", "clips", "bin", "thumbnails"):
            for name in self._names(kind):
                assert (kind, name) in stored or blob_names.is_sidecar(name), (kind, name)

    def _check(self, clip: ModelClip) -> set[tuple[str, str]]:
        """Fails unless a clip is where the model has it; returns its blob."""
        assert self._state(clip) == ("gone" if clip.is_gone else clip.state), clip
        if clip.is_gone or clip.data is None:
            return set()
        kind = "clips" if clip.is_seen else "bin"
        assert self.library.read(kind, clip.name) == clip.data, clip
        if clip.is_seen:
            assert self.library.clip(clip.id).status == "failed", "processed: it is no film"
        return {(kind, clip.name)}

    # --- Helpers

    def _call[Answer](self, fault: Fault, act: Callable[[], Answer]) -> Answer | bool | None:
        """The result of a call, True if it returns none; None if it failed or the process died."""
        if fault is not None:
            self.world.requests.arm(fault[0], KINDS[fault[1]])
        try:
            answer = act()
        except (Death, CliplinkError):
            return None
        finally:
            self.world.requests.disarm()
        return True if answer is None else answer

    def _follow(
        self, item: Item, done: object, after: str, fault: Fault, *, expected: bool
    ) -> None:
        """Updates the model after a call, which may or may not have had an effect after a fault."""
        if fault is None:
            assert bool(done) == expected, (item, after)
            item.state = after
            return
        if isinstance(item, ModelClip) and item.is_gone:
            return
        now = self._state(item)
        assert now in {item.state, after}, (item, after, now)
        item.state = now

    def _drift(self, instance: int) -> DriftReport:
        drift = self.world.instances[instance].drift
        started = drift.start().run.report
        self._work_on_drift(instance, started.id)
        return drift.get(started.id).run.report

    def _work_on_drift(self, instance: int, run_id: UUID) -> None:
        messages = [str(run_id)]
        while messages:
            messages = list(self.world.instances[instance].drift.work(messages[0]))

    def _rebuild(self) -> None:
        command.run(
            transfer_settings(self.world.settings),
            Report(dry_run=False),
            owner=None,
            out=io.StringIO(),
        )

    def _state(self, item: Item) -> str:
        row = self.library.services.database.one(
            f"""SELECT CASE WHEN {_EXPIRED if isinstance(item, ModelClip) else "FALSE"} THEN 'gone'
                            WHEN deleted_at IS NULL THEN 'visible'
                            WHEN purge_at IS NULL THEN 'gone' ELSE 'in bin' END AS state
                FROM {_table(item)} WHERE id = %(id)s""",
            {"id": item.id},
        )
        return "gone" if row is None else str(row["state"])

    def _names(self, kind: str) -> list[str]:
        """The blobs of this example, without those of earlier examples."""
        own = {str(video.id) for video in self.videos}
        return sorted(name for name in self.library.blobs(kind) if name[:36] in own)

    def _upload(self, clip: ModelClip) -> None:
        self.versions += 1
        data = f"version {self.versions} of no film".encode()
        self.library.upload(clip.name, data)
        clip.data = data

    def _sql(self, statement: str, item: Item) -> None:
        self.library.services.database.run(statement, {"id": item.id})

    def _video(self, video: Item) -> Video:
        found = self.library.services.videos.get(self.library.viewer, video.id)
        assert found is not None
        return found

    def _of(self, instance: int) -> Library:
        library = Library.__new__(Library)
        library.services, library.user = self.world.instances[instance], self.library.user
        library.video, library.subject = self.library.video, self.library.subject
        return library

    @staticmethod
    def _any[Thing: Item](items: list[Thing]) -> list[Thing]:
        return [item for item in items if item.state == "visible"]

    @staticmethod
    def _pick[Thing](items: list[Thing], choice: int) -> Thing:
        return items[choice % len(items)]


def transfer_settings(given: Settings) -> TransferSettings:
    return TransferSettings(
        storage=given.storage,
        database_url=given.database_url,
        container_prefix=given.container_prefix,
    )


def _table(item: Item) -> str:
    return "clips" if isinstance(item, ModelClip) else "videos"


@contextmanager
def two_instances(settings: Settings) -> Iterator[tuple[AllServices, AllServices]]:
    """Their clocks are ten minutes apart."""
    first = compose_all(settings)
    second = compose_all(settings, lambda: datetime.now(UTC) + timedelta(minutes=10))
    with first.database, second.database:
        yield first, second


def test_nothing_is_lost(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = faults.watch(monkeypatch)
    with two_instances(settings) as instances:
        world = World(instances, requests, settings)
        run_state_machine_as_test(
            lambda: Story(world),  # type: ignore[arg-type]  # a function that makes one will do
            settings=profile(
                max_examples=_EXAMPLES,
                stateful_step_count=_STEPS,
                deadline=None,
                derandomize="NOTHING_LOST_EXAMPLES" not in os.environ,
                phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
