"""A reader's shell, and the running copy that the reader started in another shell."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import copies
from tests.docs.pages import ROOT

# Variables of the developer's shell: settings of another copy, and those that make sets.
_NOT_INHERITED = re.compile(
    r"(AZURE|AUTH|LOCAL_HOST)_\w+|DATABASE_URL|TEMP_DIR|MAKE\w*|MFLAGS|PORT"
)


def environment() -> dict[str, str]:
    kept = {name: v for name, v in os.environ.items() if not _NOT_INHERITED.fullmatch(name)}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@contextmanager
def running_copy(log: Path) -> Iterator[int]:
    """Yields the port of a running copy with its own data, as `make run` starts it."""
    with copies.place() as number:
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "local", "run", "--port", str(number)],
                cwd=ROOT,
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        assert process.stdout is not None
        try:
            ready = f"Cliplink is ready: http://localhost:{number}\n"
            assert ready in iter(process.stdout.readline, ""), log.read_text()
            yield number
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.close()
            process.wait()
