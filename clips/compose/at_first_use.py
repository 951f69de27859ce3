"""Properties that are made when they are first read."""

import threading
from collections.abc import Callable
from typing import Any

# One lock for all: two threads that read a property at the same time get the same object.
_lock = threading.RLock()


class at_first_use[T]:  # noqa: N801 - used as a decorator, as `property` is
    """A property whose function is called once for each object; the result is kept."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__

    def __get__(self, owner: object, _: type | None = None) -> T:
        # Called only while the object has no attribute of this name.
        with _lock:
            kept = owner.__dict__
            if self._name not in kept:
                kept[self._name] = self._make(owner)
            made: T = kept[self._name]
            return made
