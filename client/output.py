"""Where results go: the terminal, or a file, which a later run goes on with if it is NDJSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
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


def format_table(result: Result) -> str:
    """Write a line per point, and one that counts the faces."""
    lines = [f"{'face':>4}  {'point':<26}{'x':>9}{'y':>9}{'score':>7}"]
    for number, face in enumerate(result):
        for p in face.points:
            lines.append(f"{number:>4}  {p.name:<26}{p.x:>9.2f}{p.y:>9.2f}{p.score:>7.2f}")
    poor = sum(not face.trusted for face in result)
    said = f", {poor} of them not to be trusted (a low face_score)" if poor else ""
    lines.append(f"{len(result)} face{'' if len(result) == 1 else 's'}{said}")
    return "\n".join(lines) + "\n"


def format_csv(result: Result) -> str:
    """Write a row per point; a picture without faces has one row with nothing but its name."""
    bare = [result.name, *[""] * (len(COLUMNS) - 1)]
    return format_rows(list(make_rows(result.name, result)) or [bare])


def format_ndjson(result: Result) -> str:
    """Write a JSON object on a line."""
    return json.dumps(result.to_dict()) + "\n"


def format_rows(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


HEAD = format_rows([COLUMNS])


WRITERS = {"table": format_table, "csv": format_csv, "ndjson": format_ndjson}


class Printed:
    """Prints each result as it comes."""

    def __init__(self, kind: str, named: bool):
        self.format, self.named = WRITERS[kind], named and kind == "table"
        self.done: dict[str, int] = {}
        print(HEAD if kind == "csv" else "", end="")

    def add(self, result: Result) -> None:
        name = f"{result.name}\n" if self.named else ""
        print(name, self.format(result), sep="", end="", flush=True)
        self.done[result.name] = len(result)

    def refuse(self, result: Result) -> bool:
        """Write down why a picture has no answer, where that can be: here it can't."""
        return False

    def close(self) -> None:
        """Nothing is left open."""


class ResultsFile:
    """A file of results; `done` has the number of faces of each picture in it.

    A run that was killed leaves at most the last line of NDJSON cut off: that one is cut away here
    and asked for again. A CSV file is a new one. A file with anything else in it is left alone.
    Raises ServiceError.
    """

    def __init__(self, path: Path):
        self.path, self.done = path, dict[str, int]()
        kind = path.suffix.lower().removeprefix(".")
        self.format = WRITERS[kind]
        try:
            self.file = path.open("a+b")
            self.file.seek(0)
            self.file.truncate(self.read())
        except OSError as error:
            raise ServiceError("unwritable", f"{path}: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError):
            text = (
                f"{path} has other things in it than results of NDJSON, which can be gone on with."
            )
            raise ServiceError("other_file", text) from None
        if kind == "csv":
            self.write(HEAD)

    def read(self) -> int:
        """Fill `done`; return how many bytes are whole lines."""
        whole = 0
        for line in self.file:
            if self.format is format_csv:
                raise ValueError("a table")
            if not line.endswith(b"\n"):
                if not line.startswith(b'{"picture": "'[: len(line)]):
                    raise ValueError("not a line of ours")
                break
            entry = json.loads(line)
            self.done[entry["picture"]] = len(entry["faces"])
            whole += len(line)
        return whole

    def add(self, result: Result) -> None:
        self.write(self.format(result))
        self.done[result.name] = len(result)

    def refuse(self, result: Result) -> bool:
        return False

    def write(self, text: str) -> None:
        try:
            self.file.write(text.encode("utf-8", "surrogateescape"))
            self.file.flush()
        except OSError as error:
            raise ServiceError("unwritable", f"{self.path}: {error.strerror}.") from None

    def close(self) -> None:
        self.file.close()
