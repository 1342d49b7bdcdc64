"""Draw faces with their points side by side, to look at."""

from pathlib import Path

import cv2
import numpy as np

from training.index import Bytes, Floats

CELL = 192  # pixels of a face on the sheet
MARGIN = 1 / 8  # of the crop, left out at each side


def draw_cell(picture: Bytes, points: Floats, title: str = "") -> Bytes:
    """Draw one crop `[C,C,3]` with points `[K,2]`."""
    margin = round(MARGIN * len(picture))
    scale = CELL / (len(picture) - 2 * margin)
    cell = cv2.resize(picture[margin:-margin, margin:-margin], (CELL, CELL))
    for x, y in (points - margin + 0.5) * scale - 0.5:
        if np.isfinite([x, y]).all():
            cv2.circle(cell, (round(x * 8), round(y * 8)), 14, (60, 255, 60), -1, cv2.LINE_AA, 3)
    for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        how = cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, thick, cv2.LINE_AA
        cv2.putText(cell, title, (3, CELL - 5), *how)
    return cell


def write_sheet(cells: list[Bytes], file: Path, columns: int = 10) -> None:
    """Write cells of one size as a picture, `columns` in a row."""
    cells = cells + [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    cv2.imwrite(str(file), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
