"""Entry point of `python -m clips.rebuild`."""

import sys

from clips.rebuild.command import main

sys.exit(main())
