"""A command's words and its end: with what it did, or with one sentence and exit code 2."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def command(
    about: str | None, words: list[str] | None = None, *places: str, **options: Any
) -> Iterator[Namespace]:
    """Read the words of a command line, and tell the block's errors in one sentence.

    `places` are paths without a name. An option is its help, and then a path that must be given; or
    its default; or what add_argument takes.
    """
    parser = ArgumentParser(description=(about or "").splitlines()[0])
    for place in places:
        parser.add_argument(place, type=Path)
    for name, option in options.items():
        match option:
            case str():
                parser.add_argument(f"--{name}", required=True, type=Path, help=option)
            case dict():
                parser.add_argument(f"--{name}", **option)
            case _:
                parser.add_argument(f"--{name}", type=type(option), default=option)
    asked = parser.parse_args(words)
    try:
        yield asked
    except (ValueError, OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
