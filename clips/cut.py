"""Cuts a clip out of a local file: `python -m clips.cut SOURCE START END`."""

import sys

from clips.cutting.local_command import main

if __name__ == "__main__":
    sys.exit(main())
