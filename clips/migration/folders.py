"""Folders below MIGRATION_ROOT: what an admin names, and nothing outside, whatever the spelling.

`..`, absolute paths and symbolic links count by where they lead.
"""

import os
from pathlib import Path


class OutsideRoot(ValueError):
    """No folder below the root; that something else is there is not told."""


def is_there(root: Path) -> bool:
    """Whether the root can be looked at: a share may not be mounted."""
    return os.path.isdir(root)


def below(root: Path, wanted: str) -> bytes:
    """The real path of a folder, relative to the real root; empty for the root itself.

    `wanted` is relative to the root, or absolute. Raises OutsideRoot.
    """
    real_root = real(root)
    try:
        folder = os.path.realpath(os.path.join(real_root, os.fsencode(wanted)))
    except ValueError as error:  # a NUL, half a character
        raise OutsideRoot from error
    if os.path.commonpath([real_root, folder]) != real_root or not os.path.isdir(folder):
        raise OutsideRoot
    return b"" if folder == real_root else os.path.relpath(folder, real_root)


def real(root: Path) -> bytes:
    return os.path.realpath(os.fsencode(root))


def in_place(root: bytes, folder: bytes) -> bytes | None:
    """The full path of a folder that `below` gave; None if a link has taken its place."""
    path = os.path.join(root, folder).rstrip(b"/")
    return path if os.path.realpath(path) == path else None
