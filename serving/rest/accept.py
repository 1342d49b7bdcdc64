"""What a caller accepts: numbers or a drawn picture, compressed or not."""

import re

DRAWN = ("image/png", "image/jpeg")
ENCODINGS = ("gzip", "deflate")
QUALITY = re.compile(r"(?P<type>[^;]+)(;q=(?P<q>[01](\.\d{0,3})?))?(;[^q].*)?")
REFUSED = re.compile(r";q=0(\.0*)?$")


def choose_drawing(accept: str) -> str:
    """Return the media type of a drawn picture where that is what is wanted most, else "".

    Of types wanted alike the first counts.
    """
    wanted = [QUALITY.fullmatch(entry) for entry in accept.lower().replace(" ", "").split(",")]
    ranked = [(float(found["q"] or 1), found["type"]) for found in wanted if found]
    best, kind = max(ranked, key=lambda pair: pair[0], default=(0.0, ""))
    return kind if best and kind in DRAWN else ""


def choose_encoding(accepted: str) -> str:
    """Choose gzip or deflate out of an Accept-Encoding, or "" for neither."""
    entries = accepted.lower().replace(" ", "").split(",")
    offered = {entry.partition(";")[0] for entry in entries if not REFUSED.search(entry)}
    return next((name for name in ENCODINGS if name in offered), "")
