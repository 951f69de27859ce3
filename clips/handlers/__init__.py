"""The handlers of the HTTP functions: one module a resource, loaded when it is first read.

`handlers.videos` loads `clips.handlers.videos`: see docs/adr/0020-late-imports.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clips.handlers import bin as bin  # noqa: A004 - the module of the recycle bin
    from clips.handlers import cleanup as cleanup
    from clips.handlers import clips as clips
    from clips.handlers import cuts as cuts
    from clips.handlers import docs as docs
    from clips.handlers import drift as drift
    from clips.handlers import links as links
    from clips.handlers import migrations as migrations
    from clips.handlers import shares as shares
    from clips.handlers import sources as sources
    from clips.handlers import system as system
    from clips.handlers import videos as videos
else:

    def __getattr__(name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return import_module(f"{__name__}.{name}")
