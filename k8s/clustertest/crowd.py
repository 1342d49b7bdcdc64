"""A picture of many faces, which keeps a predictor busy as well as a transformer."""

from pathlib import Path

from PIL import Image

from k8s.clustertest.commands import OUT, PICTURE

FACE = (130, 10, 320, 200)  # the astronaut's, x0, y0, x1, y1
ROWS, SIDE = 6, 106  # 36 faces of 106 pixels


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
