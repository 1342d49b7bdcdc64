"""Base64 as callers write it: in lines (RFC 2045), as a data URL, in either alphabet, unpadded."""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from serving.errors import InvalidImage

PIECE = 2**20  # characters decoded at once: each call holds the interpreter's lock
SPACE = b" \t\r\n"
PADDING = b"="
SAFE, USUAL = b"-_", b"+/"  # the two characters that file names' alphabet has instead
TO_USUAL = bytes.maketrans(SAFE, USUAL)
ESCAPED = {b"%2B": b"+", b"%2F": b"/", b"%3D": b"=", b"%0D": b"", b"%0A": b"", b"%20": b""}
LONGEST_HEAD = 1000  # characters before a data URL's comma
TAKEN = (
    "In JSON a picture is base64 text, with line breaks or without, or a data URL of it"
    " (data:image/jpeg;base64,...)"
)


@dataclass(frozen=True, slots=True)
class Base64Text:
    """A picture in base64, not decoded."""

    text: bytes

    def decode(self) -> bytes:
        """Undo the base64; raises InvalidImage with what is taken."""
        start, escapes = 0, False
        if self.text[:5].lower() == b"data:":
            start = self.text.find(b",", 0, LONGEST_HEAD) + 1
            if not self.text[:start].lower().replace(b" ", b"").endswith(b";base64,"):
                raise InvalidImage(f"{TAKEN}; this data URL has no ';base64,'.")
            escapes = True
        try:
            return decode_pieces(cut_pieces(self.text, start, escapes))
        except binascii.Error as error:
            raise InvalidImage(f"{TAKEN}; this is none ({error}).") from None


def cut_pieces(text: bytes, start: int, escapes: bool) -> Iterator[bytes]:
    """Cut text from `start` on into pieces; with escapes, a URL's are undone and none is cut."""
    while start < len(text):
        end = start + PIECE
        if escapes:
            cut = text.rfind(b"%", end - 2, end)
            end = end if cut < 0 else cut + 3
            yield undo_escapes(text[start:end])
        else:
            yield text[start:end]
        start = end


def decode_pieces(pieces: Iterator[bytes]) -> bytes:
    """Decode text that comes in pieces; raises binascii.Error."""
    parts, rest, alphabets = [], b"", set[bytes]()
    for text in pieces:
        piece = text.translate(None, SPACE)
        alphabets |= {a for a in (SAFE, USUAL) if any(c in piece for c in a)}
        if len(alphabets) > 1:
            raise binascii.Error("it has both + or / and - or _")
        piece = rest + piece.translate(TO_USUAL)
        padding = piece.find(PADDING)
        end = (len(piece) if padding < 0 else padding) // 4 * 4
        if padding >= 0 and len(piece) - end > 4:
            raise binascii.Error("something follows its padding")
        parts.append(binascii.a2b_base64(piece[:end], strict_mode=True))
        rest = piece[end:]
    if rest and PADDING not in rest:
        rest = rest.ljust(4, PADDING)
    parts.append(binascii.a2b_base64(rest, strict_mode=True))
    return b"".join(parts)


def undo_escapes(text: bytes) -> bytes:
    """Undo a URL's escapes of what may stand in base64; any other one is refused later on."""
    if b"%" not in text:
        return text
    for escaped, plain in ESCAPED.items():
        text = text.replace(escaped, plain).replace(escaped.lower(), plain)
    return text
