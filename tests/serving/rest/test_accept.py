"""Which kind of answer an Accept header prefers, and which encoding is accepted."""

import pytest

from serving.rest.accept import choose_drawing, choose_encoding

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", ""),
        ("*/*", ""),
        ("application/json", ""),
        (BROWSER, ""),
        ("image/webp", ""),
        ("text/html", ""),
        ("image/png", "image/png"),
        ("image/jpeg", "image/jpeg"),
        ("IMAGE/PNG", "image/png"),
        ("image/*", "image/png"),
        ("image/*, image/png;q=0", "image/jpeg"),
        ("image/*, */*;q=0.1", "image/png"),
        ("image/png, application/json", ""),
        ("image/png;q=0.5, application/json;q=0.4", "image/png"),
        ("image/png;q=0.4, application/json;q=0.5", ""),
        ("image/png;q=0.4, application/octet-stream;q=0.5", ""),
        ("image/png;q=0.5, image/jpeg ; q=0.8", "image/jpeg"),
        ("image/png;q=0", ""),
        ("image/png;q=1.5", ""),
        ("image/png;q=x", ""),
        ("image/png;level=1;q=0.9, */*;q=0.2", "image/png"),
        ("image/png;eq=1;q=0.9", "image/png"),
        (",;,/;q=, image/png", "image/png"),
        (", " * 20_000 + "image/jpeg", "image/jpeg"),
    ],
)
def test_the_kind_that_is_liked_best_is_chosen(accept, chosen):
    assert choose_drawing(accept) == chosen


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", ""),
        ("br", ""),
        ("gzip", "gzip"),
        ("GZip ; Q=0.001", "gzip"),
        ("deflate, gzip;q=0.5", "gzip"),
        ("deflate, gzip;q=0", "deflate"),
        ("deflate, gzip;q = 0.000", "deflate"),
        ("gzip;q=x", ""),
        ("gzip;q=2", ""),
        ("identity, *;q=0", ""),
        ("*", "gzip"),
        ("*, gzip;q=0", "deflate"),
        (";q=1,,", ""),
    ],
)
def test_an_encoding_is_chosen_that_is_accepted(accepted, chosen):
    assert choose_encoding(accepted) == chosen
