"""Shows where storage and catalogue differ: `python -m clips.drift`.

docs/drift.md is the manual.
"""

import sys

from clips.drift.cli import main

if __name__ == "__main__":
    sys.exit(main())
