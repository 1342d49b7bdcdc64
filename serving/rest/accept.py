"""What a caller accepts: numbers or a drawn picture, compressed or not."""

import re

DRAWN = ("image/png", "image/jpeg")
NUMBERS = ("application/json", "application/octet-stream")
ENCODINGS = ("gzip", "deflate")
QUALITY = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def choose_drawing(accept: str) -> str:
    """Choose the media type of a drawn picture, "" where numbers are as welcome.

    The most specific range counts for each type, as RFC 9110 has it; of equal ones the first
    of DRAWN. What is no range counts as none: numbers are answered then.
    """
    ranges = {kind: quality for kind, quality in read_qualities(accept).items() if "/" in kind}
    numbers = max(rate(kind, ranges) for kind in NUMBERS)
    best = max(DRAWN, key=lambda kind: rate(kind, ranges))
    return best if rate(best, ranges) > numbers else ""


def choose_encoding(accepted: str) -> str:
    """Choose gzip or deflate out of an Accept-Encoding, or "" for neither."""
    offered = read_qualities(accepted)
    return next((name for name in ENCODINGS if offered.get(name, offered.get("*"))), "")


def read_qualities(header: str) -> dict[str, float]:
    """Read the quality, 0..1, of each entry of an Accept or Accept-Encoding header."""
    rates: dict[str, float] = {}
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        spaceless = [each.replace(" ", "") for each in parameters]
        found = [QUALITY.fullmatch(each) for each in spaceless if each.startswith("q=")]
        if all(found):
            rates[name] = float(found[0][1]) if found and found[0] else 1.0
    return rates


def rate(kind: str, ranges: dict[str, float]) -> float:
    """Rate a media type by the most specific range that has it."""
    family = f"{kind.partition('/')[0]}/*"
    return next((ranges[each] for each in (kind, family, "*/*") if each in ranges), 0.0)
