"""Leases of workers: a worker renews its lease while it works, and stops when it has lost it."""

import time
from collections.abc import Callable
from datetime import timedelta


class LeaseLost(Exception):
    """The row was deleted or changed, or another worker has it: this worker stops."""


def renewing(renew: Callable[[], bool], lease: timedelta) -> Callable[[], None]:
    """A check that is called often, and renews the lease after a third of its time.

    `renew` returns False if the lease is lost; the check then raises LeaseLost.
    """
    renewed = time.monotonic()

    def check() -> None:
        nonlocal renewed
        if time.monotonic() - renewed > lease.total_seconds() / 3:
            renewed = time.monotonic()
            if not renew():
                raise LeaseLost

    return check
