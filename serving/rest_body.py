"""Read a request body within its limits of bytes and time."""

import asyncio
import zlib

from starlette.requests import Request

from serving.errors import InvalidRequest, RequestTimeout, TooLarge, UnsupportedMediaType
from serving.settings import ServerSettings

ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's window bits


async def read_body(request: Request, settings: ServerSettings) -> bytes:
    """Read the body, decompressed; stops reading as soon as a limit is passed.

    Raises TooLarge, RequestTimeout, UnsupportedMediaType or InvalidRequest.
    """
    limit = settings.max_body_bytes
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit:
        raise TooLarge(f"The body has {length} bytes; {limit} is the limit.")
    chunks, size = [], 0
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise TooLarge(f"The body has more than the limit of {limit} bytes.")
                chunks.append(chunk)
    except TimeoutError:
        raise RequestTimeout(
            f"The body did not arrive within {settings.body_seconds:g} seconds."
        ) from None
    return decompress(b"".join(chunks), request.headers.get("content-encoding", ""), limit)


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo a Content-Encoding, never writing more than `limit` bytes."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ENCODINGS:
        raise UnsupportedMediaType(
            f"Content-Encoding '{encoding[:40]}' is not read here, but gzip and deflate are."
        )
    inflater = zlib.decompressobj(ENCODINGS[encoding])
    try:
        content = inflater.decompress(body, limit + 1)
    except zlib.error:
        raise InvalidRequest(f"The body is not {encoding} data.") from None
    if len(content) > limit:
        raise TooLarge(f"The body inflates to more than the limit of {limit} bytes.")
    if not inflater.eof:
        raise InvalidRequest(f"The {encoding} body ends too early.")
    return content
