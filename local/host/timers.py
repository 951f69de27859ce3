"""Owns timer triggers: waits for the next time, and makes up for a missed time.

As on Azure, scheduled runs of a function never overlap: a run that was due during another follows
it at once. A run by hand may overlap other runs. The times of schedules of a minute or more are
saved in the container `azure-webjobs-hosts`: a host that was down at the due time runs the
function once when it starts. Knows nothing of what the function does.
"""

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient

from local.host import connections
from local.host.calls import Caller
from local.host.functions import Function
from local.host.ncrontab import Schedule
from local.host.protos import TypedData

_CONTAINER = "azure-webjobs-hosts"
_MONITORED_FROM = timedelta(minutes=1)
_NEVER = datetime.min.replace(tzinfo=UTC)

_log = logging.getLogger("local.host")


@dataclass(frozen=True, slots=True)
class Status:
    """When the last scheduled run of the function began, and when the next one is due."""

    last: datetime
    due: datetime

    def to_json(self) -> str:
        """The text of the status blob."""
        updated = datetime.now(UTC).isoformat()
        times = {"Last": self.last.isoformat(), "Next": self.due.isoformat()}
        return json.dumps({**times, "LastUpdated": updated})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a status blob; raises ValueError or KeyError."""
        times = json.loads(text)
        return cls(datetime.fromisoformat(times["Last"]), datetime.fromisoformat(times["Next"]))


class TimerTrigger:
    """One function with a schedule."""

    def __init__(self, function: Function, host_id: str, caller: Caller) -> None:
        self._function = function
        self._caller = caller
        self._schedule = Schedule.parse(function.trigger["schedule"])
        self._path = f"timers/{host_id}/{function.full_name}/status"

    async def run(self) -> None:
        """Runs the function whenever it is due, until cancelled."""
        now = datetime.now(UTC)
        due = self._schedule.next_after(now)
        is_monitored = self._schedule.next_after(due) - due >= _MONITORED_FROM
        saved = await asyncio.to_thread(self._load) if is_monitored else None
        if saved is not None and self._was_missed(saved, now):
            status = await self._run_due(saved, is_monitored=True, is_past_due=True)
        else:
            status = Status(_NEVER if saved is None else saved.last, due)
            if is_monitored and (saved is None or saved.due != due):
                await asyncio.to_thread(self._save, status)
            if self._function.trigger.get("runOnStartup"):
                await self.run_by_hand()
        while True:
            await asyncio.sleep((status.due - datetime.now(UTC)).total_seconds())
            status = await self._run_due(status, is_monitored=is_monitored)

    async def run_by_hand(self) -> None:
        """Runs the function now, even during another run; its schedule does not change."""
        await self._call(None, is_past_due=False)

    async def _run_due(
        self, status: Status, *, is_monitored: bool, is_past_due: bool = False
    ) -> Status:
        # A sleep may end just before the due time.
        started = max(datetime.now(UTC), status.due)
        await self._call(status if is_monitored else None, is_past_due=is_past_due)
        # From the start, as in Microsoft's timer: a time that passed during the run is due.
        ended = Status(started, self._schedule.next_after(started))
        if is_monitored:
            await asyncio.to_thread(self._save, ended)
        return ended

    async def _call(self, status: Status | None, *, is_past_due: bool) -> None:
        timer = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": None if status is None else json.loads(status.to_json()),
            "IsPastDue": is_past_due,
        }
        await self._caller.run(self._function, "", TypedData(json=json.dumps(timer)), {})

    def _was_missed(self, status: Status, now: datetime) -> bool:
        """Whether a due time passed; the due time of an earlier schedule does not count."""
        just_before = status.due - timedelta(seconds=1)
        return status.due <= now and self._schedule.next_after(just_before) == status.due

    def _load(self) -> Status | None:
        try:
            return Status.from_json(self._blob().download_blob(encoding="utf-8").readall())
        except ResourceNotFoundError:
            return None
        except (AzureError, ValueError, KeyError) as error:
            _log.warning("%s: its status cannot be read: %s", self._function.name, error)
            return None

    def _save(self, status: Status) -> None:
        try:
            self._blob().upload_blob(status.to_json(), overwrite=True)
        except AzureError as error:
            _log.warning("%s: its next run was not saved: %s", self._function.name, error)

    def _blob(self) -> BlobClient:
        service = connections.blob_service(connections.DEFAULT)
        with suppress(ResourceExistsError):
            service.create_container(_CONTAINER)
        return service.get_blob_client(_CONTAINER, self._path)
