"""Owns timer triggers: waiting for the next time, and catching up on one that was missed.

As on Azure, runs of a function never overlap, and the times of schedules of a minute or
more are remembered in the container `azure-webjobs-hosts`: a host that was down at the due
time runs the function once when it starts. Knows nothing of what the function does.
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
    """When the function ran last, and when it is due next."""

    last: datetime
    due: datetime

    def to_json(self) -> str:
        """The text of the status blob."""
        updated = datetime.now(UTC).isoformat()
        times = {"Last": self.last.isoformat(), "Next": self.due.isoformat()}
        return json.dumps({**times, "LastUpdated": updated})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a status blob; raises ValueError or KeyError."""
        times = json.loads(text)
        return cls(datetime.fromisoformat(times["Last"]), datetime.fromisoformat(times["Next"]))


class TimerTrigger:
    """One function with a schedule."""

    def __init__(self, function: Function, host_id: str, caller: Caller) -> None:
        self._function = function
        self._caller = caller
        self._schedule = Schedule.parse(function.trigger["schedule"])
        self._path = f"timers/{host_id}/{function.full_name}/status"
        self._running = asyncio.Lock()
        self._last = _NEVER

    async def run(self) -> None:
        """Run the function whenever it is due, until cancelled."""
        moment = datetime.now(UTC)
        due = self._schedule.next_after(moment)
        is_monitored = self._schedule.next_after(due) - due >= _MONITORED_FROM
        status = await asyncio.to_thread(self._load) if is_monitored else None
        if status is not None:
            self._last = status.last
        if status is not None and self._was_missed(status, moment):
            await self.run_once(is_past_due=True)
        elif self._function.trigger.get("runOnStartup"):
            await self.run_once()
        while True:
            # Counted from the last due time too: a sleep may end a moment early.
            due = self._schedule.next_after(max(datetime.now(UTC), moment))
            if is_monitored:
                await asyncio.to_thread(self._save, Status(self._last, due))
            await asyncio.sleep((due - datetime.now(UTC)).total_seconds())
            moment = due
            await self.run_once()

    async def run_once(self, *, is_past_due: bool = False) -> None:
        """Run the function now, after a run that is under way."""
        async with self._running:
            now = datetime.now(UTC)
            status = Status(self._last, self._schedule.next_after(now))
            self._last = now
            timer = {
                "Schedule": {"AdjustForDST": True},
                "ScheduleStatus": json.loads(status.to_json()),
                "IsPastDue": is_past_due,
            }
            await self._caller.run(self._function, TypedData(json=json.dumps(timer)), {})

    def _was_missed(self, status: Status, now: datetime) -> bool:
        """Whether a due time passed; one of another schedule, changed meanwhile, does not count."""
        just_before = status.due - timedelta(seconds=1)
        return status.due <= now and self._schedule.next_after(just_before) == status.due

    def _load(self) -> Status | None:
        try:
            return Status.from_json(self._blob().download_blob(encoding="utf-8").readall())
        except ResourceNotFoundError:
            return None
        except (AzureError, ValueError, KeyError) as error:
            _log.warning("%s: its last run is not known: %s", self._function.name, error)
            return None

    def _save(self, status: Status) -> None:
        try:
            self._blob().upload_blob(status.to_json(), overwrite=True)
        except AzureError as error:
            _log.warning("%s: its next run was not noted: %s", self._function.name, error)

    def _blob(self) -> BlobClient:
        service = connections.blob_service(connections.DEFAULT)
        with suppress(ResourceExistsError):
            service.create_container(_CONTAINER)
        return service.get_blob_client(_CONTAINER, self._path)
