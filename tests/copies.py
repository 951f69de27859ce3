"""Places for copies of the whole system, as `make run` starts them, beside other programs."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import ports, stack


@contextmanager
def place() -> Iterator[int]:
    """The port of a copy; its data is deleted at the end.

    What it starts listens on ports of its own: the usual ones may be taken by a developer's
    copy or another test's, now or while this copy is down.
    """
    port = ports.free_port()
    try:
        wanted = {name: ports.free_port() for name in stack.PREFERRED_PORTS}
        with ports.chosen(wanted, _memory(port)):
            pass
        yield port
    finally:
        shutil.rmtree(stack.data_folder(port), ignore_errors=True)


def share_ports(first: int, second: int) -> None:
    """The second copy shall want the ports that the first one has."""
    shutil.copy(_memory(first), _memory(second))


def _memory(port: int) -> Path:
    return stack.data_folder(port) / "ports.json"
