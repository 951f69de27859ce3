"""A fixed amount of memory for blocks of files, however many files are being read.

Each buffer is a mapping of its own: pages that were never written to take no memory, so that a
small file uses little of a buffer, and taking a large one costs nothing.
"""

import threading
from mmap import mmap


class Buffer:
    """A piece of memory on loan; `data` is the part of it that was filled."""

    def __init__(self, owner: "Buffers", memory: mmap) -> None:
        self._owner = owner
        self.memory = memory
        self.filled = 0

    @property
    def data(self) -> memoryview:
        return memoryview(self.memory)[: self.filled]

    def give_back(self) -> None:
        """To be called once, by the last user."""
        self._owner.take_back(self.memory)


class Buffers:
    """`count` buffers of `size` bytes, lent out one at a time and used again."""

    def __init__(self, count: int, size: int) -> None:
        self.size = size
        self._condition = threading.Condition()
        self._free = [mmap(-1, size) for _ in range(count)]

    def take(self, size: int) -> Buffer:
        """A buffer of at least `size` bytes, as soon as one is free."""
        with self._condition:
            self._condition.wait_for(lambda: self._free)
            memory = self._free.pop()
        # Only blocks of a file beyond 50,000 blocks of the usual size are larger.
        return Buffer(self, memory if len(memory) >= size else mmap(-1, size))

    def take_back(self, memory: mmap) -> None:
        with self._condition:
            self._free.append(memory if len(memory) == self.size else mmap(-1, self.size))
            self._condition.notify()
