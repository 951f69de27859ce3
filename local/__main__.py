"""The commands behind `make run`, `make services` and `make token`."""

import argparse
import os
import re
import shutil
import sys
from pathlib import Path

from local import stack, supervisor
from local.issuer import Issuer


def main() -> int:
    """Runs the command that the arguments name; returns the exit code."""
    arguments = _arguments()
    if arguments.command == "token":
        roles = [role.strip() for role in arguments.roles.split(",") if role.strip()]
        issuer = Issuer(stack.KEY_FILE)
        print(issuer.token(arguments.subject, roles, arguments.email or None))
        return 0
    if arguments.command == "services":
        return supervisor.services(arguments.port)
    return supervisor.run(arguments.port, arguments.app.resolve(), arguments.triggers)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    port = os.environ.get("PORT") or stack.DEFAULT_PORT
    run = commands.add_parser("run", help="run everything until Ctrl-C")
    run.add_argument("--app", type=Path, default=stack.PROJECT, help="folder of the function app")
    run.add_argument(
        "--triggers",
        type=_program,
        default=os.environ.get("TRIGGERS") or None,
        help="a program that listens to the triggers instead of the local host",
    )
    services = commands.add_parser("services", help="run everything but the functions")
    for command in (run, services):
        command.add_argument("--port", type=port_number, default=port)
    token = commands.add_parser("token", help="print a bearer token")
    token.add_argument("--subject", type=_subject, required=True)
    token.add_argument("--roles", default="", help="comma-separated")
    token.add_argument("--email", default="")
    return parser.parse_args()


def port_number(text: str) -> int:
    """The number of a port; raises ArgumentTypeError for any other text."""
    if not (re.fullmatch("[0-9]{1,5}", text) and 0 < int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use PORT=1 to PORT=65535")
    return int(text)


def _program(text: str) -> Path:
    found = shutil.which(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a program: use TRIGGERS=/path/to/it")
    return Path(found).resolve()


def _subject(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("name the subject: make token SUB=alice")
    return text


if __name__ == "__main__":
    sys.exit(main())
