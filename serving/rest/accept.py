"""What kind of answer a caller accepts: numbers, or a drawn picture."""

import re

DRAWN = ("image/png", "image/jpeg")
NUMBERS = ("application/json", "application/octet-stream")
QUALITY = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def choose_drawing(accept: str) -> str:
    """Choose the media type of a drawn picture, "" where numbers are as welcome.

    The most specific range counts for each type, as RFC 9110 has it; of equal ones the first
    of DRAWN. What is no range counts as none: numbers are answered then.
    """
    ranges = read_ranges(accept)
    numbers = max(rate(kind, ranges) for kind in NUMBERS)
    best = max(DRAWN, key=lambda kind: rate(kind, ranges))
    return best if rate(best, ranges) > numbers else ""


def read_ranges(accept: str) -> dict[str, float]:
    """Read the quality of each media range of an Accept header."""
    ranges: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        found = [QUALITY.fullmatch(each.replace(" ", "")) for each in parameters if "q" in each]
        if "/" in kind and all(found):
            ranges[kind] = float(found[0][1]) if found and found[0] else 1.0
    return ranges


def rate(kind: str, ranges: dict[str, float]) -> float:
    """Rate a media type by the most specific range that has it."""
    family = f"{kind.partition('/')[0]}/*"
    return next((ranges[each] for each in (kind, family, "*/*") if each in ranges), 0.0)
