"""Base64 as callers write it: in lines (RFC 2045), as a data URL, in either alphabet, unpadded."""

import binascii
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
        text, start = self.text, 0
        if text[:5].lower() == b"data:":
            start = text.find(b",", 0, LONGEST_HEAD) + 1
            if not text[:start].lower().replace(b" ", b"").endswith(b";base64,"):
                raise InvalidImage(f"{TAKEN}; this data URL has no ';base64,'.")
            if b"%" in text:
                text, start = undo_escapes(text[start:]), 0
        try:
            return decode_pieces(text, start)
        except binascii.Error as error:
            raise InvalidImage(f"{TAKEN}; this is none ({error}).") from None


def decode_pieces(text: bytes, start: int) -> bytes:
    """Decode text from `start` on, a piece at a time; raises binascii.Error."""
    parts, rest, alphabets = [], b"", set[bytes]()
    for at in range(start, len(text), PIECE):
        piece = text[at : at + PIECE].translate(None, SPACE)
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
    for escaped, plain in ESCAPED.items():
        text = text.replace(escaped, plain).replace(escaped.lower(), plain)
    return text
