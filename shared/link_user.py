"""Links a user of the old service to the subject of a token: `python -m shared.link_user`.

For users who are not recognised by a verified e-mail address: docs/migration.md says when.
Reads DATABASE_URL (and KEY_VAULT_URL) as the app does.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from uuid import UUID

from shared.catalogue.library.legacy_user_queries import LegacyUsers
from shared.errors import DatabaseUnavailable
from shared.postgres.database import Database
from shared.settings import SettingsError, read_database_url
from shared.settings.secret import Fixed

DONE, NOT_LINKED, USAGE, OUT_OF_REACH = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    given = _parser().parse_args(arguments)
    try:
        url = read_database_url()
    except SettingsError as error:
        return _say(USAGE, str(error))
    try:
        with Database(Fixed(url)) as database:
            return _link(LegacyUsers(database), given)
    except DatabaseUnavailable as error:
        return _say(OUT_OF_REACH, error.detail)


def _link(users: LegacyUsers, given: argparse.Namespace) -> int:
    found = [given.user] if given.user is not None else users.with_email(given.email)
    if len(found) > 1:
        ids = "\n".join(f"  {user}" for user in found)
        return _say(NOT_LINKED, f"Several users have that address; name one with --user:\n{ids}")
    videos = users.link(found[0], given.subject) if found else None
    if videos is None:
        return _say(NOT_LINKED, "There is no such user of the old service without a subject.")
    sys.stdout.write(f"linked user {found[0]} with {videos} videos to subject {given.subject}\n")
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m shared.link_user",
        description="Gives the videos of a user of the old service to the subject of a token.",
        epilog="Exit codes: 0 linked, 1 no such user or several, 2 wrong usage or settings, "
        "3 database unavailable.",
    )
    parser.add_argument("subject", type=_subject, help="the sub of the user's tokens")
    old = parser.add_mutually_exclusive_group(required=True)
    old.add_argument("--email", help="the e-mail address that the user had at the old service")
    old.add_argument("--user", type=UUID, help="the user's id in the table users")
    return parser


def _subject(text: str) -> str:
    if not text or not text.isprintable():
        raise argparse.ArgumentTypeError("must be one line of text")
    return text


def _say(code: int, text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
