"""The command that runs a function app: `python -m local.host --app DIR --port N`."""

import argparse
import logging
import os
import sys
from pathlib import Path

import uvloop

from local.host.host import serve
from local.host.ncrontab import BadExpression
from local.host.routes import BadTemplate
from local.host.settings import SettingsError
from local.host.worker import AppNotLoaded


def main() -> int:
    """Serves until stopped; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--app", type=Path, required=True, help="the folder with function_app.py")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--bindings",
        type=Path,
        help="listen to HTTP only, and write the triggers of the other functions to this file",
    )
    parser.add_argument(
        "--listener", type=int, help="the descriptor of a socket that listens on the port"
    )
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("azure", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        app = arguments.app.resolve()
        uvloop.run(serve(app, arguments.port, arguments.bindings, arguments.listener))
    except (AppNotLoaded, SettingsError, BadTemplate, BadExpression, OSError) as problem:
        print(f"The functions host cannot start: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # sys.exit would wait for functions that did not end within the stop timeout.
    os._exit(code)
