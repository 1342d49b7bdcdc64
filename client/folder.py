"""What the command's arguments name: files, folders of pictures, and what comes on stdin."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from .faces import Picture, ServiceError
from .storage import is_url, list_pictures_at

# How files of pictures begin, whatever they are called; which of them it reads, the service says.
BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP")
BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
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
                if is_picture(path):
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


def is_picture(path: Path) -> bool:
    """Tell by a file's first bytes whether it is a picture; one that can't be read may be."""
    try:
        with open(path, "rb") as file:
            head = file.read(12)
    except OSError:
        return True
    webp = head[:4] == b"RIFF" and head[8:] == b"WEBP"
    return head.startswith(BEGINNINGS) or webp or (head[4:8] == b"ftyp" and head[8:] in BRANDS)


def describe_others(others: Sequence[Path]) -> str:
    """Count and list the files that were left out; "" where there is none."""
    if not others:
        return ""
    kinds = Counter(path.suffix or "without an ending" for path in others)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    names = [str(path) for path in others[:LISTED]] + ["..."] * (len(others) > LISTED)
    files = (
        "file is not a picture and was" if len(others) == 1 else "files are not pictures and were"
    )
    return f"{len(others)} {files} left out ({counted}): {', '.join(names)}"
