"""Ports and folders for copies of the whole system, as `make run` starts them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import ports, stack


@contextmanager
def place() -> Iterator[int]:
    """Yields the port of a copy; deletes its data at the end.

    The services of the copy get their own ports: a copy of a developer or of another test may use
    the preferred ports, now or while this copy is down.
    """
    port = ports.free_port()
    try:
        preferred = {name: ports.free_port() for name in stack.PREFERRED_PORTS}
        with ports.chosen(preferred, _memory(port)):
            pass
        yield port
    finally:
        shutil.rmtree(stack.data_folder(port), ignore_errors=True)


def share_ports(first: int, second: int) -> None:
    """Makes the second copy prefer the ports of the first."""
    shutil.copy(_memory(first), _memory(second))


def _memory(port: int) -> Path:
    return stack.data_folder(port) / "ports.json"
