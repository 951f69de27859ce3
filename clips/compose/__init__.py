"""The composition root: makes everything that the triggers use from the settings.

`services.py` lists the services, and the modules `*_services` put them together. Nothing connects
here: a connection is opened when it is first needed.
"""

import threading

from clips.compose.backends import Backends, open_backends
from clips.compose.services import Services
from shared.clock import Clock, utc_now
from shared.settings import Settings

__all__ = ["Backends", "Services", "compose", "compose_on", "open_backends"]


def compose(
    settings: Settings, clock: Clock = utc_now, stopping: threading.Event | None = None
) -> Services:
    return compose_on(open_backends(settings, clock), settings, stopping)


def compose_on(
    backends: Backends, settings: Settings, stopping: threading.Event | None = None
) -> Services:
    return Services(backends, settings, stopping)
