"""How a command of training ends: with what it did, or with one sentence."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def end_in_a_sentence(*further: type[Exception]) -> Iterator[None]:
    """Say what is wrong with the caller's files or words in one sentence, and exit with 2.

    Such errors are ValueError, OSError and those of `further` kinds.
    """
    kinds: tuple[type[Exception], ...] = (ValueError, OSError, *further)
    try:
        yield
    except kinds as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
