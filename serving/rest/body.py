"""Read a request body within its limits of bytes and time; compress an answer when asked."""

import asyncio
import re
import zlib

from starlette.requests import Request

from serving.admission import Ticket
from serving.aside import run_aside
from serving.errors import InvalidRequest, RequestTimeout, TooLarge, UnsupportedMediaType
from serving.rest.codec import Piece
from serving.settings import ServerSettings

ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's window bits
RAW_DEFLATE = -15  # what some send as deflate, without zlib's header
OFFLOAD_BODY_BYTES = 64 * 2**10  # longer bodies are worked on in a thread, not on the event loop
MAX_MEMBERS = 64  # of a gzip body, which RFC 1952 allows to have several
REFUSED = re.compile(r";q=0(\.0*)?$")  # in an Accept-Encoding
WORTH_IT = 1024  # bytes; smaller answers go as they are


async def read_body(request: Request, settings: ServerSettings, ticket: Ticket) -> bytes:
    """Read the body, decompressed; stops reading as soon as a limit is passed.

    What is left of a refused body is discarded by the server, within `body_seconds`.
    Raises TooLarge, Overloaded, RequestTimeout, UnsupportedMediaType or InvalidRequest.
    """
    limit = settings.max_body_bytes
    encoding = check_encoding(request.headers.get("content-encoding", ""))
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
                ticket.add(len(chunk))
                chunks.append(chunk)
    except TimeoutError:
        raise RequestTimeout(
            f"The body did not arrive within {settings.body_seconds:g} seconds."
        ) from None
    body = b"".join(chunks)
    if not encoding:
        return body
    long = len(body) > OFFLOAD_BODY_BYTES
    content = (
        await run_aside(decompress, body, encoding, limit)
        if long
        else decompress(body, encoding, limit)
    )
    ticket.add(len(content))
    return content


def check_encoding(encoding: str) -> str:
    """Return the Content-Encoding to undo, "" for none."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return ""
    if encoding not in ENCODINGS:
        raise UnsupportedMediaType(
            f"Content-Encoding '{encoding}' is not read here, but gzip and deflate are."
        )
    return encoding


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo a Content-Encoding, never writing more than `limit` bytes."""
    parts, size, left, bits = [], 0, body, ENCODINGS[encoding]
    if encoding == "deflate" and int.from_bytes(body[:2]) % 31:  # zlib's header is a multiple
        bits = RAW_DEFLATE
    while True:
        inflater = zlib.decompressobj(bits)
        try:
            parts.append(inflater.decompress(left, limit + 1 - size))
        except zlib.error:
            raise InvalidRequest(f"The body is not {encoding} data.") from None
        size += len(parts[-1])
        if size > limit:
            raise TooLarge(f"The body inflates to more than the limit of {limit} bytes.")
        left = inflater.unused_data
        members = len(parts) < MAX_MEMBERS and bits == 31  # deflate has one
        if not inflater.eof or (left and not members):
            raise InvalidRequest(f"The {encoding} body is cut short or goes on after its end.")
        if not left:
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def compress_body(
    pieces: list[Piece], accepted: str | None
) -> tuple[list[Piece], dict[str, str]]:
    """Compress an answer if the caller accepts that: its pieces and the headers that say so."""
    encoding, size = choose_encoding(accepted or ""), sum(len(piece) for piece in pieces)
    if not encoding or size < WORTH_IT:
        return pieces, {}
    packer = zlib.compressobj(1, wbits=ENCODINGS[encoding])
    packed: list[Piece] = []
    for piece in pieces:
        pack = run_aside(packer.compress, piece) if len(piece) > OFFLOAD_BODY_BYTES else None
        packed.append(packer.compress(piece) if pack is None else await pack)
    packed.append(packer.flush())
    return [b"".join(packed)], {"content-encoding": encoding, "vary": "accept-encoding"}


def choose_encoding(accepted: str) -> str:
    """Choose gzip or deflate out of an Accept-Encoding, or "" for neither."""
    entries = accepted.lower().replace(" ", "").split(",")
    offered = {entry.partition(";")[0] for entry in entries if not REFUSED.search(entry)}
    return next((name for name in ("gzip", "deflate") if name in offered), "")
