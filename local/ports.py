"""Owns the choice of TCP ports on loopback; knows nothing of the servers that use them."""

import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"
_MORE_CANDIDATES = 5  # each of them is free when it is chosen


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def listening(
    port: int, address: str = LOOPBACK, family: socket.AddressFamily = socket.AF_INET
) -> socket.socket:
    """A socket that listens on the port; raises OSError if the port is in use."""
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def free_port() -> int:
    """A free port; use it within a minute.

    For a minute, a closed connection keeps the port in TIME_WAIT: the system does not choose it as
    a free port, but gives it to a server that asks for it with SO_REUSEADDR.
    """
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        # Set only now: with this option, the system might choose a port in TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.listen()
        port: int = listener.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)) as connection:
            listener.accept()[0].close()  # the side that closes first enters TIME_WAIT
            connection.recv(1)
        return port


@contextmanager
def chosen(preferred: Mapping[str, int], memory: Path) -> Iterator[dict[str, int]]:
    """Chooses a port for every name: the one used last time, else the preferred, else any.

    Other copies of this program cannot choose these ports until the block ends, even before a
    server listens on them. The choice is written to `memory`, so that addresses stay the same.
    """
    remembered = _read(memory)
    ports: dict[str, int] = {}
    with ExitStack() as claims:
        for name, default in preferred.items():
            ports[name] = _claimed((remembered.get(name, default), default), claims)
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(ports, indent=2) + "\n")
        yield ports


def _claimed(candidates: Iterable[int], claims: ExitStack) -> int:
    for port in (*candidates, *(free_port() for _ in range(_MORE_CANDIDATES))):
        with ExitStack() as claim:
            # The claim comes first: a copy that ends frees its port before its claim.
            if _claim(port, claim) and is_free(port):
                claims.push(claim.pop_all())
                return port
    raise OSError("no free port was found")


def _claim(port: int, claim: ExitStack) -> bool:
    """Locks the port's file in the folder for temporary files, which all copies share."""
    folder = Path(tempfile.gettempdir()) / f"cliplink-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    claim.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(memory: Path) -> dict[str, int]:
    try:
        remembered = json.loads(memory.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {name: port for name, port in remembered.items() if isinstance(port, int)}
