"""Draw faces with their points side by side, to look at."""

from pathlib import Path

import cv2
import numpy as np

from training.faces import CROP, Bytes, Floats

CELL = 192  # pixels of a face on the sheet
MARGIN = 32  # crop pixels left out at each side
COLOURS = ((60, 255, 60), (255, 80, 60), (80, 160, 255))  # RGB of the first, second, third points


def draw_cell(picture: Bytes, points: list[Floats], title: str = "") -> Bytes:
    """Draw one crop `[256,256,3]` with sets of points `[15,2]`, each in a colour of its own."""
    scale = CELL / (CROP - 2 * MARGIN)
    cell = cv2.resize(picture[MARGIN:-MARGIN, MARGIN:-MARGIN], (CELL, CELL))
    for some, colour in zip(points, COLOURS, strict=False):
        for x, y in (some - MARGIN + 0.5) * scale - 0.5:
            if np.isfinite([x, y]).all():
                at = round(float(x) * 8), round(float(y) * 8)
                cv2.circle(cell, at, 14, colour, -1, cv2.LINE_AA, 3)
    if title:
        how = cv2.FONT_HERSHEY_SIMPLEX, 0.4
        cv2.putText(cell, title, (3, CELL - 5), *how, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(cell, title, (3, CELL - 5), *how, (255, 255, 255), 1, cv2.LINE_AA)
    return cell


def write_sheet(cells: list[Bytes], file: Path, columns: int = 10) -> None:
    """Write cells of one size as a picture, `columns` in a row."""
    blank = np.zeros_like(cells[0])
    cells = cells + [blank] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    cv2.imwrite(str(file), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
