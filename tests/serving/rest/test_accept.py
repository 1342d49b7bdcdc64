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
        ("image/png, */*;q=0.1", "image/png"),
        ("image/png;q=0.5, image/jpeg ; q=0.8", "image/jpeg"),
        ("image/png;q=0.5, application/json", ""),
        ("image/png;q=0", ""),
        ("application/json, image/png", ""),
        ("image/*", ""),
        (",;,/;q=, image/png", "image/png"),
    ],
)
def test_a_picture_is_drawn_where_it_is_wanted_most(accept, chosen):
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
        ("identity, *;q=0", ""),
        (";q=1,,", ""),
    ],
)
def test_an_encoding_is_chosen_that_is_accepted(accepted, chosen):
    assert choose_encoding(accepted) == chosen
