"""Files of results that a run adds to, and that a later run goes on with.

A picture's faces are written at once and flushed, so that a run that is killed loses at most the
last picture; what is left of that one is cut off when the file is opened again.
"""

import csv
import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .faces import Face, ServiceError
from .tables import COLUMNS, make_rows

BEGIN = '{"picture": "'  # of a line of JSON
BARE = [""] * (len(COLUMNS) - 1)  # the row of a picture without faces, after its name


class ResultsFile(ABC):
    """A file of results; `done` has the number of faces of each picture in it."""

    def __init__(self, path: Path):
        self.path = path
        self.done: dict[str, int] = {}
        try:
            text = read_text(path)
            kept = self.read(text)
            if kept != text:
                replace_text(path, kept)
            self.file = path.open("a", encoding="utf-8", errors="surrogateescape", newline="")
        except OSError as error:
            raise ServiceError("unwritable", f"{path}: {error.strerror}.") from None

    @abstractmethod
    def read(self, text: str) -> str:
        """Fill `done`; return the text without a last picture that is not whole."""

    @abstractmethod
    def format(self, name: str, faces: Sequence[Face]) -> str:
        """Return the text of a picture."""

    def add(self, name: str, faces: Sequence[Face]) -> None:
        """Write a picture's faces."""
        try:
            self.file.write(self.format(name, faces))
            self.file.flush()
        except OSError as error:
            raise ServiceError("unwritable", f"{self.path}: {error.strerror}.") from None
        self.done[name] = len(faces)

    def close(self) -> None:
        self.file.close()

    def refuse(self) -> ServiceError:
        return ServiceError("other_file", f"{self.path} has other things in it than results.")


class CsvFile(ResultsFile):
    """A row a point; a picture without faces has one row with nothing but its name."""

    def read(self, text: str) -> str:
        head = format_rows([COLUMNS])
        if head.startswith(text):  # nothing, or a head that was cut off
            return head
        try:
            rows = list(csv.reader(io.StringIO(text, newline="")))
        except csv.Error:
            raise self.refuse() from None
        if not text.endswith("\n") or len(rows[-1]) != len(COLUMNS):
            rows.pop()
        if rows[:1] != [COLUMNS] or any(len(row) != len(COLUMNS) for row in rows):
            raise self.refuse()
        last = rows[-1][0] if len(rows) > 1 else None  # perhaps not all of its rows are there
        rows = [rows[0], *(row for row in rows[1:] if row[0] != last)]
        for row in rows[1:]:
            faces = int(row[1]) + 1 if row[1].isdecimal() else 0
            self.done[row[0]] = max(faces, self.done.get(row[0], 0))
        return format_rows(rows)

    def format(self, name: str, faces: Sequence[Face]) -> str:
        return format_rows(list(make_rows(name, faces)) or [[name, *BARE]])


class NdjsonFile(ResultsFile):
    """A JSON object a line, one for each picture."""

    def read(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            cut = lines.pop()
            if cut[: len(BEGIN)] != BEGIN[: len(cut)]:
                raise self.refuse()
        for line in lines:
            try:
                self.note(json.loads(line))
            except ValueError:
                raise self.refuse() from None
        return "".join(lines)

    def note(self, entry: Any) -> None:
        """Take a picture as done."""
        try:
            self.done[entry["picture"]] = len(entry["faces"])
        except (KeyError, TypeError):
            raise self.refuse() from None

    def format(self, name: str, faces: Sequence[Face]) -> str:
        return json.dumps(make_entry(name, faces)) + "\n"


class JsonFile(NdjsonFile):
    """One JSON list; while a run goes on its lines are in a file beside it, .part."""

    def __init__(self, path: Path):
        self.whole = self.path = path
        try:
            self.before = json.loads(read_text(path) or "[]")
            before = {entry["picture"]: len(entry["faces"]) for entry in self.before}
        except OSError as error:
            raise ServiceError("unwritable", f"{path}: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError):
            raise self.refuse() from None
        super().__init__(path.with_name(path.name + ".part"))
        self.done = before | self.done

    def close(self) -> None:
        """Write the list."""
        super().close()
        lines = [json.loads(line) for line in read_text(self.path).splitlines()]
        known = {entry["picture"] for entry in lines}
        entries = [entry for entry in self.before if entry["picture"] not in known] + lines
        body = ",\n".join(json.dumps(entry) for entry in entries)
        replace_text(self.whole, f"[\n{body}\n]\n")
        self.path.unlink()


KINDS: dict[str, type[ResultsFile]] = {"csv": CsvFile, "ndjson": NdjsonFile, "json": JsonFile}


def make_entry(name: str, faces: Sequence[Face]) -> dict[str, Any]:
    return {"picture": name, "faces": [face.to_dict() for face in faces]}


def format_rows(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def read_text(path: Path) -> str:
    """Return a file's text, none where there is no file. Raises OSError."""
    if not path.exists():
        return ""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def replace_text(path: Path, text: str) -> None:
    """Write a file in one step: who reads it sees the old one or the new one, whole."""
    part = path.with_name(path.name + ".new")
    with open(part, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    os.replace(part, path)
