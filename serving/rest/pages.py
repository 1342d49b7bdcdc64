"""A folder of static files as routes, with headers that let it load nothing from elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

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


class Pages(StaticFiles):
    """Static files with the headers above; starlette gives each its ETag."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(HEADERS)
        return response


def list_page_routes(folder: Path) -> Iterator[BaseRoute]:
    """List the routes of a folder's files, below the folder's name; its index is at /."""
    pages = Pages(directory=folder)

    async def show_index(request: Request) -> Response:
        return await pages.get_response("index.html", request.scope)

    yield Route("/", show_index)
    yield Mount(f"/{folder.name}", pages)
