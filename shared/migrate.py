"""The command that brings the schema up to date: `python -m shared.migrate [--dry-run]`."""

import sys

from shared.schema.apply import main

if __name__ == "__main__":
    sys.exit(main())
