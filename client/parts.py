"""Results in parts: a folder, in object storage too, of files that are there whole or not at all.

A run that was killed leaves whole parts; the next one goes on with the pictures in none of them.
"""

from __future__ import annotations

import io
import json
from typing import Any

from .faces import Result, ServiceError
from .output import COLUMNS, make_rows
from .storage import open_storage

PICTURES = 1000  # of one part: so many are asked for again, at most, after a run was killed
REFUSED = ("invalid_image", "too_large")  # what becomes of a picture however often it is sent
KINDS = {  # of columns; all others are numbers
    "picture": "string",
    "face": "int32",
    "point": "string",
    "trusted": "bool",
    "error": "string",
}


class Parts:
    """A folder of parts, NDJSON or Parquet by the ending of its name.

    `done` has the number of faces of each picture in it. A picture that is refused for what it
    is has its row, too, with the `error`. Raises ServiceError.
    """

    def __init__(self, url: str, pictures: int = PICTURES):
        self.url, self.pictures = url.rstrip("/"), pictures
        self.kind = self.url.rpartition(".")[2]
        if self.kind == "parquet":
            load_pyarrow()
        self.files, self.root = open_storage(self.url)
        self.done: dict[str, int] = {}
        self.waiting: list[tuple[Result, str | None]] = []
        try:
            self.files.makedirs(self.root, exist_ok=True)
            self.files.invalidate_cache()
            found = self.files.glob(f"{self.root}/part-*.{self.kind}")
            for path in found:
                self.read(path)
        except Exception as error:  # of packages behind fsspec
            text = f"{url} cannot be gone on with ({error or type(error).__name__})."
            raise ServiceError("other_file", text) from None
        numbers = [int(path.rpartition("part-")[2].partition(".")[0]) for path in found]
        self.next = max(numbers, default=-1) + 1

    def read(self, path: str) -> None:
        """Fill `done` with the pictures of one part."""
        content = self.files.cat_file(path)
        if self.kind == "ndjson":
            for line in content.splitlines():
                entry = json.loads(line)
                self.done[entry["picture"]] = len(entry["faces"])
            return
        table = load_pyarrow().parquet.read_table(io.BytesIO(content), columns=["picture", "face"])
        names, faces = (table[name].to_pylist() for name in ("picture", "face"))
        for name, face in zip(names, faces, strict=True):
            count = 0 if face is None else face + 1
            self.done[name] = max(self.done.get(name, 0), count)

    def add(self, result: Result) -> None:
        self.note(result, None)

    def refuse(self, result: Result) -> bool:
        """Note why a picture has no faces; returns whether that is for good."""
        if result.error is None or result.error.code not in REFUSED:
            return False
        self.note(result, str(result.error))
        return True

    def note(self, result: Result, error: str | None) -> None:
        self.waiting.append((result, error))
        self.done[result.name] = len(result)
        if len(self.waiting) >= self.pictures:
            self.write()

    def write(self) -> None:
        """Write the next part, whole: in object storage a file is there once it is complete."""
        if not self.waiting:
            return
        write = write_parquet if self.kind == "parquet" else write_ndjson
        path = f"{self.root}/part-{self.next:06d}.{self.kind}"
        try:
            self.files.pipe_file(f"{path}.new", write(self.waiting))
            self.files.mv(f"{path}.new", path)
        except Exception as error:
            text = f"{self.url}: {error or type(error).__name__}."
            raise ServiceError("unwritable", text) from None
        self.waiting, self.next = [], self.next + 1

    def close(self) -> None:
        self.write()


def write_ndjson(results: list[tuple[Result, str | None]]) -> bytes:
    entries = (r.to_dict() | ({"error": error} if error else {}) for r, error in results)
    return "".join(json.dumps(entry) + "\n" for entry in entries).encode()


def write_parquet(results: list[tuple[Result, str | None]]) -> bytes:
    """Write a row per point; a picture without faces has one with nothing but its name."""
    pyarrow = load_pyarrow()
    bare: list[object] = [None] * (len(COLUMNS) - 1)
    rows = [
        [*row, error]
        for result, error in results
        for row in list(make_rows(result.name, result)) or [[result.name, *bare]]
    ]
    columns = zip([*COLUMNS, "error"], zip(*rows, strict=True), strict=True)
    arrays = {name: pyarrow.array(v, KINDS.get(name, "float32")) for name, v in columns}
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(arrays), file)
    return file.getvalue()


def load_pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        text = "Parquet needs pyarrow: pip install 'landmarks-client[parquet]'."
        raise ServiceError("no_package", text) from None
    return pyarrow
