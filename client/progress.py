"""A line on the terminal that says how far a long run is."""

import sys
import time
from collections.abc import Sized


class Progress:
    """Called with the number done; writes at most ten times a second, and only to a terminal."""

    def __init__(self, pictures: object):
        self.total = len(pictures) if isinstance(pictures, Sized) else None
        self.begun = self.shown = time.monotonic()
        self.drawn = False

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if not sys.stderr.isatty() or (now - self.shown < 0.1 and done != self.total):
            return
        self.shown, self.drawn = now, True
        of = f" of {self.total}" if self.total is not None else ""
        rate = done / max(now - self.begun, 1e-9)
        end = "\n" if done == self.total else ""
        print(f"\r{done}{of} pictures, {rate:.1f} a second ", end=end, file=sys.stderr, flush=True)
