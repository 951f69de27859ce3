"""Owns the choice of TCP ports on loopback; knows nothing of who will listen on them."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nobody listens on; use it within a minute.

    So long a connection that was ended at its side leaves it in TIME_WAIT: the system gives it
    to nobody who asks for any port, but to a server that asks for this one (SO_REUSEADDR, which
    servers set to be started again at once).
    """
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        # Not before: asked for any port, the system might give one that waits like this.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.listen()
        port: int = listener.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)) as connection:
            listener.accept()[0].close()  # whoever closes first is the one that waits
            connection.recv(1)
        return port


def choose(preferred: Mapping[str, int], memory: Path) -> dict[str, int]:
    """A free port for every name: the one used last time, else the preferred, else any.

    The choice is written to `memory`, so that addresses stay the same over restarts.
    """
    remembered = _read(memory)
    chosen: dict[str, int] = {}
    for name, default in preferred.items():
        candidates = (remembered.get(name, default), default)
        usable = (port for port in candidates if port not in chosen.values() and is_free(port))
        chosen[name] = next(usable, None) or free_port()
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps(chosen, indent=2) + "\n")
    return chosen


def _read(memory: Path) -> dict[str, int]:
    try:
        remembered = json.loads(memory.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {name: port for name, port in remembered.items() if isinstance(port, int)}
