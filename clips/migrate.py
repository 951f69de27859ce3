"""Migrates the clips of the old service from a folder: `python -m clips.migrate DIR`.

docs/migration.md is the manual.
"""

import sys

from clips.migration.cli import main

if __name__ == "__main__":
    sys.exit(main())
