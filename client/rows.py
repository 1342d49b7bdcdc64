"""Results as rows: one per point, with the face and the picture that it is in."""

from collections.abc import Iterable, Iterator
from typing import Any

from .faces import Face, Result, ServiceError

COLUMNS = ["picture", "face", "box_score", "x0", "y0", "x1", "y1", "face_score", "trusted"]
COLUMNS += ["point", "x", "y", "score"]


def make_rows(name: str, faces: Iterable[Face]) -> Iterator[list[object]]:
    """Yield a row of COLUMNS for each point."""
    for number, face in enumerate(faces):
        for point in face.points:
            row = [name, number, face.box_score, *face.box, face.face_score, face.trusted]
            yield [*row, point.name, point.x, point.y, point.score]


def to_dataframe(results: Iterable[Result]) -> Any:
    """Return a pandas DataFrame of results, a row per point; pictures without faces have none."""
    try:
        import pandas
    except ImportError as error:
        text = "A data frame needs pandas: pip install 'landmarks-client[pandas]'."
        raise ServiceError("no_pandas", text) from error
    rows = [row for result in results for row in make_rows(result.name, result)]
    return pandas.DataFrame(rows, columns=COLUMNS)
