"""Where results go: the terminal, or a file that a later run of the same command goes on with."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .faces import Face, Result, ServiceError
from .packages import load_package, tell_errors

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
    pandas = load_package("pandas", "pandas")
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
    """Write a JSON object on a line, with the error where there is one."""
    error = {"error": str(result.error)} if result.error else {}
    return json.dumps(result.to_dict() | error) + "\n"


def format_rows(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


HEAD = format_rows([COLUMNS])
WRITERS = {"table": format_table, "csv": format_csv, "ndjson": format_ndjson}


class Output:
    """Prints each result as it comes; those below keep them, for a later run to go on with."""

    refusals: tuple[str, ...] = ()  # codes of errors that are written down as results

    def __init__(self, kind: str, named: bool):
        self.format, self.named = WRITERS[kind], named and kind == "table"
        self.done: dict[str, int] = {}  # the number of faces of each picture
        print(HEAD if kind == "csv" else "", end="")

    def add(self, result: Result) -> None:
        self.done[result.name] = len(result)
        self.write(result)

    def write(self, result: Result) -> None:
        name = f"{result.name}\n" if self.named else ""
        print(name, self.format(result), sep="", end="", flush=True)

    def close(self) -> None:
        """Nothing is left open."""


class ResultsFile(Output):
    """A file that results are added to; `done` has those in it.

    A run that was killed leaves at most its last picture cut off: that one is cut away here and
    asked for again. A file with anything else in it is left alone. Raises ServiceError.
    """

    def __init__(self, path: Path):
        self.path, self.done = path, {}
        is_csv = path.suffix.lower() == ".csv"
        self.format = WRITERS["csv" if is_csv else "ndjson"]
        with tell_errors("unwritable", str(path)):
            self.file = path.open("a+", encoding="utf-8", errors="surrogateescape", newline="")
        try:
            self.file.seek(0)
            whole = self.read_csv() if is_csv else self.read_ndjson()
            self.file.truncate(whole)
        except (ValueError, KeyError, TypeError, IndexError, csv.Error):
            text = f"{path} has other things in it than results of this version."
            raise ServiceError("other_file", text) from None
        if is_csv and not whole:
            self.write_text(HEAD)

    def read_ndjson(self) -> int:
        """Fill `done`; return how many bytes are whole lines."""
        whole = 0
        for line in self.file:
            if not line.endswith("\n"):
                if not line.startswith('{"picture": "'[: len(line)]):
                    raise ValueError("not a line of ours")
                break
            entry = json.loads(line)
            self.done[entry["picture"]] = len(entry["faces"])
            whole += count_bytes(line)
        return whole

    def read_csv(self) -> int:
        """Fill `done`; return how many bytes lie before the last picture, which may lack rows."""
        if (head := self.file.read(len(HEAD))) != HEAD:  # it was cut off, or there is nothing
            if not HEAD.startswith(head):
                raise ValueError("not our columns")
            return 0
        picture, start, end, cut = "", len(HEAD), len(HEAD), False
        for row in csv.reader(self.file):
            if cut:
                raise ValueError("not a row of ours")
            if cut := len(row) != len(COLUMNS):
                continue  # to see whether it is the last one
            if row[0] != picture:
                picture, start = row[0], end
            self.done[picture] = int(row[1]) + 1 if row[1] else 0
            end += count_bytes(format_rows([row]))
        self.done.pop(picture, None)
        return start

    def write(self, result: Result) -> None:
        self.write_text(self.format(result))

    def write_text(self, text: str) -> None:
        with tell_errors("unwritable", str(self.path)):
            self.file.write(text)
            self.file.flush()

    def close(self) -> None:
        self.file.close()


def count_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
