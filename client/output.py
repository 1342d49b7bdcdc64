"""Where results go: the terminal, or a file that a later run of the same command goes on with."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

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
    """A file that results are added to; `done` has the number of faces of each picture in it.

    A run that was killed leaves at most its last picture cut off: that one is cut away here and
    asked for again. A file with anything else in it is left alone. Raises ServiceError.
    """

    def __init__(self, path: Path):
        self.path, self.done = path, dict[str, int]()
        is_csv = path.suffix.lower() == ".csv"
        self.format = WRITERS["csv" if is_csv else "ndjson"]
        try:
            self.file = path.open("a+b")
            self.file.seek(0)
            whole = self.read_csv() if is_csv else self.read_ndjson()
            self.file.truncate(whole)
        except OSError as error:
            raise ServiceError("unwritable", f"{path}: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError, IndexError, csv.Error):
            text = f"{path} has other things in it than results of this version."
            raise ServiceError("other_file", text) from None
        if is_csv and not whole:
            self.write(HEAD)

    def read_ndjson(self) -> int:
        """Fill `done`; return how many bytes are whole lines."""
        whole = 0
        for line in self.file:
            if not line.endswith(b"\n"):
                if not line.startswith(b'{"picture": "'[: len(line)]):
                    raise ValueError("not a line of ours")
                break
            entry = json.loads(line)
            self.done[entry["picture"]] = len(entry["faces"])
            whole += len(line)
        return whole

    def read_csv(self) -> int:
        """Fill `done`; return how many bytes lie before the last picture, which may lack rows."""
        lines = LineReader(self.file)
        rows = csv.reader(lines)
        if next(rows, []) != COLUMNS or not lines.read.endswith(b"\n"):
            if not HEAD.encode().startswith(lines.read):
                raise ValueError("not our columns")
            return 0  # its head was cut off, or there is nothing
        picture, start, end = "", lines.ended, lines.ended
        for row in rows:
            if len(row) != len(COLUMNS) or not lines.read.endswith(b"\n"):
                if self.file.read(1):
                    raise ValueError("not a row of ours")
                break
            if row[0] != picture:
                picture, start = row[0], end
            self.done[picture] = int(row[1]) + 1 if row[1] else 0
            end = lines.ended
        self.done.pop(picture, None)
        return start

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


class LineReader:
    """The lines of a file as text; `read` is the last one's bytes, `ended` where it ends."""

    def __init__(self, file: BinaryIO):
        self.file, self.read, self.ended = file, b"", 0

    def __iter__(self) -> Iterator[str]:
        for line in self.file:
            self.read = line
            self.ended += len(self.read)
            yield self.read.decode("utf-8", "surrogateescape")
