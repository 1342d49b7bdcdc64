"""What a caller accepts: numbers or a drawn picture, compressed or not."""

import re

DRAWN = ("image/png", "image/jpeg")
ENCODINGS = ("gzip", "deflate")
REFUSED = re.compile(r";q=0(\.0*)?$")


def choose_drawing(accept: str) -> str:
    """Return the media type of a drawn picture where the header begins with one, else "".

    One with a quality below 1 is only the second choice.
    """
    first, _, quality = accept.partition(",")[0].lower().replace(" ", "").partition(";")
    return first if first in DRAWN and quality in ("", "q=1", "q=1.0") else ""


def choose_encoding(accepted: str) -> str:
    """Choose gzip or deflate out of an Accept-Encoding, or "" for neither."""
    entries = accepted.lower().replace(" ", "").split(",")
    offered = {entry.partition(";")[0] for entry in entries if not REFUSED.search(entry)}
    return next((name for name in ENCODINGS if name in offered), "")
