"""Passwords and keys that may be rotated while the app runs.

Knows nothing of Azure, Postgres or storage. Code that signs in with a Secret asks for its
current value every time, and reports a value that a server refused.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from shared.clock import Clock

_log = logging.getLogger(__name__)

# A value is read again when it is this old, refused or not.
_TTL = timedelta(minutes=10)
# While the vault is unreachable, or has no usable value, it is asked at most this often.
_RETRY_AFTER = timedelta(minutes=1)
# A server that refuses every value must not cause a request to the vault each time.
_MIN_INTERVAL = timedelta(seconds=10)


class Secret(Protocol):
    """One password or key."""

    def current(self) -> str:
        """The value to sign in with now."""

    def replacement_for(self, refused: str) -> str | None:
        """Another value to try after a server refused this one, or None if none is known."""


class VaultUnavailable(Exception):
    """A vault did not answer, or refused to; the message fits behind the vault's name."""


class Vault(Protocol):
    """Keeps settings by name."""

    def get(self, name: str, *, patient: bool = False) -> str | None:
        """The value, None if there is none; raises VaultUnavailable.

        A `patient` caller needs the value, and waits for further attempts.
        """


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that only a restart changes, such as one from the environment."""

    value: str = field(repr=False)

    def current(self) -> str:
        return self.value

    def replacement_for(self, refused: str) -> str | None:
        return None if self.value == refused else self.value


class Part:
    """A part of a secret, such as the key in a connection string."""

    def __init__(self, whole: Secret, take: Callable[[str], str]) -> None:
        self._whole = whole
        self._take = take
        self._taken = ("", "")

    def current(self) -> str:
        return self._of(self._whole.current())

    def replacement_for(self, refused: str) -> str | None:
        whole: str | None = self._whole.current()
        if whole is not None and self._of(whole) == refused:
            whole = self._whole.replacement_for(whole)
        part = None if whole is None else self._of(whole)
        return None if part == refused else part

    def _of(self, whole: str) -> str:
        """Extracted once for each value: a page of a thousand links asks a thousand times."""
        seen, part = self._taken
        if seen != whole:
            part = self._take(whole)
            self._taken = (whole, part)
        return part


class Rotating:
    """A value from a vault, kept for ten minutes and read again at once when it was refused.

    While the vault is unreachable, or has only a value that `check` finds a problem with, the last
    good one is used. Any number of threads may ask; one of them reads.
    """

    def __init__(
        self, name: str, value: str, vault: Vault, check: Callable[[str], str | None], clock: Clock
    ) -> None:
        self._name = name
        self._value = value
        self._vault = vault
        self._check = check
        self._clock = clock
        self._lock = threading.Lock()
        now = clock()
        self._stale_at = now + _TTL
        self._may_ask_at = now

    def current(self) -> str:
        """The value; one thread reads it again when it is stale, the others use it meanwhile."""
        if self._clock() >= self._stale_at and self._lock.acquire(blocking=False):
            try:
                if self._clock() >= self._stale_at:
                    self._read_again()
            finally:
                self._lock.release()
        return self._value

    def replacement_for(self, refused: str) -> str | None:
        """All threads that were refused wait for one reading, and share its result."""
        with self._lock:
            if self._value == refused and self._clock() >= self._may_ask_at:
                self._read_again()
            return None if self._value == refused else self._value

    def _read_again(self) -> None:
        now = self._clock()
        self._may_ask_at = now + _MIN_INTERVAL
        self._stale_at = now + _RETRY_AFTER
        try:
            value = self._vault.get(self._name)
        except VaultUnavailable:
            _log.warning(
                "The old value of %s is used, because it could not be read again",
                self._name,
                exc_info=True,
            )
            return
        problem = "is missing" if value is None else self._check(value)
        if value is None or problem:
            _log.warning(
                "The old value of %s is used: the value in the vault %s", self._name, problem
            )
            return
        if value != self._value:
            _log.info("%s was changed", self._name)
        self._value = value
        self._stale_at = now + _TTL
