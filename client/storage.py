"""Pictures and results where they lie: files, folders, stdin, and what fsspec knows by its URL."""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .faces import Picture, ServiceError
from .packages import load_package, tell_errors

# How files of pictures begin, whatever they are called; which of them it reads, the service says.
BEGINNING = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|BM|II\*\0|MM\0\*|\0\0\0\x0cjP|RIFF....WEBP"
    rb"|....ftyp(hei[cxms]|hevc|mif1|msf1|avi[fs])",
    re.DOTALL,
)
ENDINGS = ("jpg", "jpeg", "png", "webp", "avif", "gif", "bmp", "tif", "tiff", "jp2", "heic", "heif")
LISTED = 20  # names of files that were left out


def is_url(place: object) -> bool:
    return isinstance(place, str) and "://" in place


def open_storage(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it; raises ServiceError."""
    fsspec = load_package("fsspec", "storage")
    with tell_errors("unreadable", url):  # also of what it needs for s3, gs, ...
        return fsspec.core.url_to_fs(url)


def read_url(url: str) -> bytes:
    """Read a file; raises ServiceError."""
    files, path = open_storage(url)
    with tell_errors("unreadable", url):
        return files.cat_file(path)


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
    alone = len(arguments) == 1
    for argument in arguments:
        if argument == "-":
            pictures[argument] = sys.stdin.buffer.read()
        elif is_url(argument):
            for below, url in list_pictures_at(argument):
                pictures[below if alone else url] = url
        elif os.path.isdir(argument):
            left = [each.resolve() for each in skipped]
            found: list[Path] = []
            for path in sorted(Path(argument).rglob("*")):  # links to folders are not followed
                place = path.resolve()
                if path.is_file() and not any(place.is_relative_to(each) for each in left):
                    (found if is_picture(path) else others).append(path)
            if not found:
                text = f"{argument} has no picture in it. {describe_others(others)}".strip()
                raise ServiceError("no_pictures", text)
            for path in found:
                pictures[(path.relative_to(argument) if alone else path).as_posix()] = path
        else:
            pictures[argument] = Path(argument)
    return pictures, others


def list_pictures_at(url: str) -> Iterator[tuple[str, str]]:
    """Yield pictures at or below a URL by their endings, path below it and URL, or ServiceError."""
    files, root = open_storage(url)
    with tell_errors("unreadable", url):
        paths = sorted(files.find(root))
    found = [path for path in paths if path.rpartition(".")[2].lower() in ENDINGS]
    if not found:
        raise ServiceError("no_pictures", f"{url} has no picture in it, by the files' endings.")
    for path in found:
        name = path.removeprefix(root).lstrip("/") or path.rpartition("/")[2]
        yield name, files.unstrip_protocol(path)


def is_picture(path: Path) -> bool:
    """Tell by a file's first bytes whether it is a picture; one that can't be read may be."""
    try:
        with open(path, "rb") as file:
            return bool(BEGINNING.match(file.read(12)))
    except OSError:
        return True


def describe_others(others: Sequence[Path]) -> str:
    """Count and list the files that were left out; "" where there is none."""
    if not others:
        return ""
    kinds = Counter(path.suffix or "without an ending" for path in others)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    names = [str(path) for path in others[:LISTED]] + ["..."] * (len(others) > LISTED)
    are = "file is not a picture and was" if len(others) == 1 else "files are not pictures and were"
    return f"{len(others)} {are} left out ({counted}): {', '.join(names)}"
