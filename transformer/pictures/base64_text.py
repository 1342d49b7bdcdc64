"""Base64 as callers write it: in lines (RFC 2045), as a data URL, in either alphabet, unpadded."""

import binascii
from dataclasses import dataclass

from serving.errors import InvalidImage
from transformer.pictures.decoders import Pixels

TO_USUAL = bytes.maketrans(b"-_", b"+/")  # of the alphabet that file names have
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
        head, comma, text = self.text[:1000].partition(b",")
        if self.text[:5].lower() != b"data:":
            text = self.text
        elif head.lower().replace(b" ", b"").endswith(b";base64") and comma:
            text = self.text[len(head) + 1 :]
        else:
            raise InvalidImage(f"{TAKEN}; this data URL has no ';base64,'.")
        text = text.translate(TO_USUAL, b" \t\r\n").rstrip(b"=")
        try:
            return binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
        except binascii.Error as error:
            raise InvalidImage(f"{TAKEN}; this is none ({error}).") from None


Given = bytes | Base64Text | Pixels  # a picture as a request has it
