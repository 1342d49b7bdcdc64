"""A folder of static files as routes: each is read once, has its ETag, and loads nothing else."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

INDEX = "index.html"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
HEADERS = {
    # Nothing of the page may come from, or go to, anywhere else; nor may another page frame it.
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",  # to be kept, and asked for again: a new release has new files
}


@dataclass(frozen=True, slots=True)
class Page:
    """One file, as it is sent."""

    content: bytes
    media_type: str
    tag: str

    async def show(self, request: Request) -> Response:
        """Answer with the file, or with 304 to who has it."""
        headers = HEADERS | {"etag": self.tag}
        if is_known(request.headers.get("if-none-match", ""), self.tag):
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type=self.media_type)


def read_page(path: Path) -> Page:
    """Read a file. Raises OSError."""
    content = path.read_bytes()
    return Page(content, TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def is_known(text: str, tag: str) -> bool:
    """Check whether an If-None-Match has the tag; a proxy may have made it a weak one."""
    known = {each.strip().removeprefix("W/") for each in text.split(",")}
    return "*" in known or tag in known


def list_page_routes(folder: Path) -> Iterator[Route]:
    """List a route for each file of a folder, below the folder's name; its index is at /."""
    for path in sorted(folder.iterdir()):
        if path.suffix in TYPES:
            at = "/" if path.name == INDEX else f"/{folder.name}/{path.name}"
            yield Route(at, read_page(path).show)
