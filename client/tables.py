"""Results as rows: one a point, with the face and the picture that it is in."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from .faces import Face, ServiceError

COLUMNS = [
    "picture",
    "face",
    "face_score",
    "x0",
    "y0",
    "x1",
    "y1",
    "trust",
    "point",
    "x",
    "y",
    "score",
]


class Named(Protocol):
    """The faces of one picture with its name, as a Result has them."""

    @property
    def name(self) -> str: ...
    def __iter__(self) -> Iterator[Face]: ...


def make_rows(name: str, faces: Iterable[Face]) -> Iterator[list[object]]:
    """Yield a row of COLUMNS for each point."""
    for number, face in enumerate(faces):
        for point in face.points:
            row = [name, number, face.score, *face.box, face.trust]
            yield [*row, point.name, point.x, point.y, point.score]


def to_dataframe(results: Iterable[Named]) -> Any:
    """Return a pandas DataFrame of results, a row a point; pictures without faces have none."""
    try:
        import pandas
    except ImportError as error:
        text = "A data frame needs pandas: pip install 'landmarks-client[pandas]'."
        raise ServiceError("no_pandas", text) from error
    rows = [row for result in results for row in make_rows(result.name, result)]
    return pandas.DataFrame(rows, columns=COLUMNS)
