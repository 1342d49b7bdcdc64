"""Pictures made of the one: many faces, which keep a predictor busy too, and a small one."""

from pathlib import Path

from PIL import Image

from tests.cluster.commands import OUT, PICTURE

FACE = (130, 10, 320, 200)  # the astronaut's, x0, y0, x1, y1
ROWS, SIDE = 6, 106  # 36 faces of 106 pixels


def make_small() -> Path:
    """Write the face alone, halved: for loads that count requests, not work.

    Finding faces costs by the pixel, so that a thousand requests are there in half the time.
    """
    OUT.mkdir(parents=True, exist_ok=True)
    with Image.open(PICTURE) as picture:
        face = picture.convert("RGB").crop((90, 0, 370, 230)).resize((140, 115))
    face.save(OUT / "small.jpg", quality=85)
    return OUT / "small.jpg"


def make_crowd() -> Path:
    """Write the picture; gives its path."""
    with Image.open(PICTURE) as picture:
        face = picture.convert("RGB").crop(FACE).resize((SIDE, SIDE))
    crowd = Image.new("RGB", (ROWS * SIDE, ROWS * SIDE))
    for number in range(ROWS * ROWS):
        crowd.paste(face, (number % ROWS * SIDE, number // ROWS * SIDE))
    OUT.mkdir(parents=True, exist_ok=True)
    crowd.save(OUT / "crowd.jpg", quality=85)
    return OUT / "crowd.jpg"
