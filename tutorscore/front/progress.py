"""Progress of long work on a terminal: one line a step, at most one a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]  # called with (step, done, of)


class Steps:
    """Times named steps and says on stderr how far each is; stdout stays free for the answer."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.seconds: dict[str, float] = {}
        self._said_at = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        self._say(f"{name} …")
        yield
        took = time.monotonic() - began
        self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 1)
        self._say(f"{name} took {took:.1f} s")

    def progress(self, name: str, done: int, of: int) -> None:
        if time.monotonic() - self._said_at >= 1:
            self._say(f"{name} {done:,} of {of:,}")

    def rows(self, name: str, rows: int, seconds: float) -> None:
        """Progress of an import, which does not know how many rows are to come."""
        self._say(f"{name}: {rows:,} rows in {seconds:.1f} s")

    def _say(self, line: str) -> None:
        self._said_at = time.monotonic()
        sys.stderr.write(f"{self.label}: {line}\n")
        sys.stderr.flush()
