"""Pictures and results in object storage or any other place that fsspec knows, by their URLs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .faces import ServiceError

ENDINGS = ["jpg", "jpeg", "png", "webp", "avif", "gif", "bmp", "tif", "tiff", "jp2", "heic", "heif"]


def is_url(place: object) -> bool:
    return isinstance(place, str) and "://" in place


def open_storage(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it; raises ServiceError."""
    try:
        import fsspec

        return fsspec.core.url_to_fs(url)
    except ImportError as error:  # of fsspec, or of what it needs for this kind of URL
        extras = "pip install 'landmarks-client[s3]', or gs, or storage"
        text = f"{url} needs a package: {extras} ({error})."
        raise ServiceError("no_package", text) from None
    except (ValueError, OSError) as error:
        raise ServiceError("unreadable", f"{url}: {error}.") from None


def read_url(url: str) -> bytes:
    """Read a file; raises ServiceError. The packages behind fsspec raise errors of any kind."""
    files, path = open_storage(url)
    try:
        return files.cat_file(path)
    except Exception as error:
        raise ServiceError("unreadable", f"{url}: {error or type(error).__name__}.") from None


def list_pictures_at(url: str) -> Iterator[tuple[str, str]]:
    """Yield the pictures at or below a URL by their endings: path below it, and URL.

    Raises ServiceError where there is none.
    """
    files, root = open_storage(url)
    try:
        paths = sorted(files.find(root))
    except Exception as error:
        raise ServiceError("unreadable", f"{url}: {error or type(error).__name__}.") from None
    found = [path for path in paths if path.rpartition(".")[2].lower() in ENDINGS]
    if not found:
        raise ServiceError("no_pictures", f"{url} has no picture in it, by the files' endings.")
    for path in found:
        name = path.removeprefix(root).lstrip("/") or path.rpartition("/")[2]
        yield name, files.unstrip_protocol(path)
