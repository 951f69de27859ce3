"""Owns child processes: no child outlives its parent, and each is stopped by a signal.

Knows nothing of what the children do. On Linux the kernel signals a child whose parent has ended
(PR_SET_PDEATHSIG), so that even `kill -9` of the parent leaves no orphan. Start children from the
main thread: the kernel signals the child when the thread that forked it ends.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LOG_TAIL_LINES = 25


class ChildFailed(Exception):
    """A child ended unexpectedly or never became ready; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running child; `log` is None if the child writes to the terminal."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals
    log: Path | None

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self, timeout: float = 10.0) -> None:
        """Asks the child to end, waits, and kills it if it does not end."""
        if not self.has_ended():
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def failure(self, what: str) -> ChildFailed:
        """The error that says `what` went wrong with this child, and shows the end of its log."""
        if self.log is None:
            return ChildFailed(f"{self.name} {what}")
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return ChildFailed("\n".join([f"{self.name} {what}; the end of {self.log}:", *lines]))

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Waits until `ready()` is true; raises ChildFailed if the child ends or time runs out."""
        deadline = time.monotonic() + timeout
        while not ready():
            if self.has_ended():
                raise self.failure(f"ended with exit code {self.process.returncode}")
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready within {timeout:.0f} seconds")
            time.sleep(0.03)


def start(
    name: str,
    command: Sequence[str],
    *,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    orphan_signal: signal.Signals | None = None,
    inherit: Sequence[int] = (),
) -> Child:
    """Starts a child in its own session, so that a Ctrl-C reaches it through its parent only.

    `inherit` are descriptors that stay open in the child; the child gets `orphan_signal` (default:
    `stop_signal`) when its parent dies.
    """
    death = (stop_signal if orphan_signal is None else orphan_signal).value
    with nullcontext() if log is None else log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherit,
            preexec_fn=_death_signal(death),  # noqa: PLW1509 - it only makes two system calls
        )
    return Child(name, process, stop_signal, log)


def run(
    name: str,
    command: Sequence[str],
    *,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> None:
    """Runs a child to its end; raises ChildFailed unless its exit code is 0."""
    child = start(name, command, log=log, environment=environment, folder=folder)
    try:
        code = child.process.wait()
    finally:
        child.stop()
    if code != os.EX_OK:
        raise child.failure(f"failed with exit code {code}")


def _death_signal(number: int) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def set_death_signal() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # the parent died before prctl was called
            os.kill(os.getpid(), signal.SIGKILL)

    return set_death_signal
