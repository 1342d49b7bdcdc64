"""A photograph goes with the pixels that the service looks at, and comes back in its own."""

import io

import numpy as np
import pytest
from PIL import Image

from client import Client, Face

TURNED = 6  # by EXIF: the picture lies on its side


@pytest.fixture(scope="module")
def photo(astronaut: bytes) -> bytes:
    """A portrait of 9 megapixels, on its side."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = TURNED
    picture = (
        Image.open(io.BytesIO(astronaut)).resize((2500, 3601)).transpose(Image.Transpose.ROTATE_90)
    )
    picture.save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


def list_points(face: Face) -> np.ndarray:
    return np.array([(point.x, point.y) for point in face.points])


def test_points_are_in_the_pixels_of_the_photograph(transformer, photo):
    with Client(f"http://127.0.0.1:{transformer.rest}") as client:
        (whole,), small = client.locate(photo), client.locate(photo, shrink=True)
        rough = client.locate(photo, shrink=True, detect="fast")
    assert (whole.trusted, small.sent, rough.sent) == (True, (1066, 1536), (533, 768))
    points, box = list_points(whole), np.array(whole.box)
    for face in (small[0], rough[0]):
        assert np.abs(list_points(face) - points).mean() < 0.01 * (box[2] - box[0])
        assert np.abs(box - face.box).max() < 0.05 * (box[2] - box[0])


def test_fewer_bytes_go_and_only_of_large_photographs(script, photo, astronaut):
    with Client(script.url) as client:
        result = client.locate(photo, shrink=True, draw=True)
        assert len(script.seen[0]) < len(photo) / 4 and result.to_dict()["sent"] == result.sent
        assert Image.open(io.BytesIO(script.seen[0])).getexif()[0x0112] == TURNED
        assert script.paths[0].endswith("?detect=default")
        assert [(p.x, p.y) for p in result[0].points] == [(3.02, 5.36), (7.71, 10.05)]
        for left in (photo[:-999] + b"none", astronaut, b"face", b"bad"):
            assert all(r.sent is None for r in client.locate_many([left], shrink=True))
            assert script.seen[-1] == left
        assert client.locate(photo, shrink=True, detect="thorough").sent is None
        with pytest.raises(ValueError, match="all of"):
            client.locate(photo, shrink=True, outputs=["pose"])
