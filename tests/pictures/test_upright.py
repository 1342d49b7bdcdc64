"""EXIF, and nothing else, says which way is up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pictures import read_rgb
from pictures.upright import read_orientation, turn_upright
from tests.pictures.files import encode, insert, make_exif, segment, smooth

PLAIN = encode(smooth(60, 44))
XMP = (
    b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
    b'"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff='
    b'"http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("kind", [3, 4])
def test_an_orientation_is_read_as_it_may_be_written(orientation, order, kind):
    exif = make_exif(orientation, order, kind)
    assert read_orientation(exif) == read_orientation(b"Exif\0\0" + exif) == orientation
    turned = turn_upright(np.arange(6).reshape(2, 3), orientation)
    assert turned.shape == ((2, 3) if orientation < 5 else (3, 2))


def test_without_sense_it_is_upright():
    for exif in (b"", b"MM", make_exif(0), make_exif(9), make_exif(6)[:15], make_exif(6, count=2)):
        assert read_orientation(exif) == 1
    assert read_orientation(make_exif(6, kind=2)) == 1


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60), st.sampled_from([b"", b"MM\0*", b"II*\0", b"Exif\0\0MM\0*\0\0\0\x08"])
)
def test_any_exif_is_an_orientation(data, head):
    assert read_orientation(head + data) in range(1, 9)


def test_xmp_turns_nothing():
    assert read_rgb(insert(PLAIN, 2, segment(0xE1, XMP))).shape == (44, 60, 3)
    empty = b"Exif\0\0MM\0*\0\0\0\x08\0\0" + bytes(4)
    both = segment(0xE1, empty) + segment(0xE1, XMP)
    assert read_rgb(insert(PLAIN, 2, both)).shape == (44, 60, 3)
    both = segment(0xE1, XMP) + segment(0xE1, b"Exif\0\0" + make_exif(8))
    assert read_rgb(insert(PLAIN, 2, both)).shape == (60, 44, 3)
