"""Results in parts: a folder, in object storage too, of files that are there whole or not at all.

A run that was killed leaves whole parts; the next one goes on with the pictures in none of them.
"""

import io
import json
from collections.abc import Sequence

from .faces import Result
from .output import COLUMNS, Output, format_ndjson, make_rows
from .packages import load_package, tell_errors
from .storage import open_storage

PICTURES = 1000  # of one part: so many are asked for again, at most, after a run was killed
TEXTS = ("picture", "point", "error")  # columns; the numbers but for `face` are FP32
PARQUET = "pyarrow.parquet", "parquet"  # the package and its extra
KINDS = {**dict.fromkeys(TEXTS, "string"), "face": "int32", "trusted": "bool"}


class Parts(Output):
    """A folder of parts, NDJSON or Parquet by the ending of its name.

    A picture that is refused for what it is has its row, too, with the `error`. Raises
    ServiceError.
    """

    refusals = ("invalid_image", "too_large")  # become of a picture however often it is sent

    def __init__(self, url: str, pictures: int = PICTURES):
        self.url, self.pictures = url.rstrip("/"), pictures
        self.kind = self.url.rpartition(".")[2]
        if self.kind == "parquet":
            load_package(*PARQUET)
        self.files, self.root = open_storage(self.url)
        self.done: dict[str, int] = {}
        self.waiting: list[Result] = []
        with tell_errors("other_file", f"{url} cannot be gone on with"):
            self.files.makedirs(self.root, exist_ok=True)
            self.files.invalidate_cache()
            found = self.files.glob(f"{self.root}/part-*.{self.kind}")
            for path in found:
                self.read(path)
        numbers = [int(path.rpartition("part-")[2].partition(".")[0]) for path in found]
        self.next = max(numbers, default=-1) + 1

    def read(self, path: str) -> None:
        """Fill `done` with the pictures of one part."""
        content = self.files.cat_file(path)
        if self.kind == "ndjson":
            entries = map(json.loads, content.splitlines())
            self.done |= {entry["picture"]: len(entry["faces"]) for entry in entries}
            return
        parquet = load_package(*PARQUET)
        table = parquet.read_table(io.BytesIO(content), columns=["picture", "face"])
        for row in table.to_pylist():
            count = 0 if row["face"] is None else row["face"] + 1
            self.done[row["picture"]] = max(self.done.get(row["picture"], 0), count)

    def write(self, result: Result) -> None:
        self.waiting.append(result)
        if len(self.waiting) >= self.pictures:
            self.close()

    def close(self) -> None:
        """Write the next part, whole: in object storage a file is there once it is complete."""
        if not self.waiting:
            return
        path = f"{self.root}/part-{self.next:06d}.{self.kind}"
        with tell_errors("unwritable", self.url):
            if self.kind == "parquet":
                content = write_parquet(self.waiting)
            else:
                content = "".join(map(format_ndjson, self.waiting)).encode()
            self.files.pipe_file(f"{path}.new", content)
            self.files.mv(f"{path}.new", path)
        self.waiting, self.next = [], self.next + 1


def write_parquet(results: Sequence[Result]) -> bytes:
    """Write a row per point; a picture without faces has one with nothing but its name."""
    pyarrow, parquet = load_package("pyarrow", PARQUET[1]), load_package(*PARQUET)
    bare: list[object] = [None] * (len(COLUMNS) - 1)
    rows = [
        [*row, result.error and str(result.error)]
        for result in results
        for row in list(make_rows(result.name, result)) or [[result.name, *bare]]
    ]
    columns = zip([*COLUMNS, "error"], zip(*rows, strict=True), strict=True)
    arrays = {name: pyarrow.array(v, KINDS.get(name, "float32")) for name, v in columns}
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(arrays), file)
    return file.getvalue()
