"""What the command's arguments name: files, folders of pictures, and what comes on stdin."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .faces import Picture, ServiceError
from .storage import is_picture, is_url, list_pictures_at

LISTED = 20  # names of files that were left out


def list_pictures(
    arguments: Sequence[str], skipped: Sequence[Path]
) -> tuple[dict[str, Picture], list[Path]]:
    """Return the pictures by name, and the files of folders that are not pictures.

    `-` is stdin, a folder all pictures below it but for `skipped` files and folders. A picture of
    the only argument's folder is named by its path in there, else as it was given. Raises
    ServiceError for a folder without pictures.
    """
    pictures: dict[str, Picture] = {}
    others: list[Path] = []
    for argument in arguments:
        if argument == "-":
            pictures[argument] = sys.stdin.buffer.read()
        elif is_url(argument):
            for below, url in list_pictures_at(argument):
                pictures[below if len(arguments) == 1 else url] = url
        elif os.path.isdir(argument):
            found = False
            for path in walk_folder(Path(argument), {each.resolve() for each in skipped}):
                if is_picture(path.name):
                    name = path.relative_to(argument) if len(arguments) == 1 else path
                    pictures[name.as_posix()], found = path, True
                else:
                    others.append(path)
            if not found:
                text = f"{argument} has no picture in it. {describe_others(others)}".strip()
                raise ServiceError("no_pictures", text)
        else:
            pictures[argument] = Path(argument)
    return pictures, others


def walk_folder(folder: Path, skipped: set[Path]) -> Iterator[Path]:
    """Yield the files below a folder, in order; links to folders are not followed."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if (Path(place) / name).resolve() not in skipped
        )
        paths = (Path(place) / name for name in sorted(names))
        yield from (path for path in paths if path.resolve() not in skipped)


def describe_others(others: Sequence[Path]) -> str:
    """Count and list the files that were left out; "" where there is none."""
    names = [str(path) for path in others[:LISTED]] + ["..."] * (len(others) > LISTED)
    text = "left out, as their endings are not a picture's"
    return f"Files {text}: {len(others)} ({', '.join(names)})." if others else ""
