"""What the command's arguments name: files, folders of pictures, and what comes on stdin."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .faces import ServiceError
from .result import Picture

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def list_pictures(arguments: Sequence[str], left_out: Path | None) -> dict[str, Picture]:
    """Return the pictures by name: `-` is stdin, a folder all pictures below it.

    A picture of the only argument's folder is named by its path in there, else as it was given.
    Pictures in the folder `left_out`, into which is drawn, are none. Raises ServiceError.
    """
    pictures: dict[str, Picture] = {}
    for argument in arguments:
        if argument == "-":
            pictures[argument] = sys.stdin.buffer.read()
        elif os.path.isdir(argument):
            paths = list(walk_folder(Path(argument), left_out))
            if not paths:
                text = f"{argument} has no JPEG, PNG or WebP file in it."
                raise ServiceError("no_pictures", text)
            alone = len(arguments) == 1
            for path in paths:
                name = path.relative_to(argument) if alone else path
                pictures[name.as_posix()] = path
        else:
            pictures[argument] = Path(argument)
    return pictures


def walk_folder(folder: Path, left_out: Path | None) -> Iterator[Path]:
    """Yield the picture files below a folder, in order; links to folders are not followed."""
    skip = left_out.resolve() if left_out else None
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if (Path(place) / name).resolve() != skip)
        if Path(place).resolve() != skip:
            yield from (Path(place) / n for n in sorted(names) if n.lower().endswith(SUFFIXES))
