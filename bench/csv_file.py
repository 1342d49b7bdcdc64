"""Tables of results: rows in a CSV file."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def read_csv(table: Path) -> list[dict[str, str]]:
    """Return a table's rows. Raises FileNotFoundError where there is none."""
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def write_csv(table: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Write a table; its columns are those of the first row, unless they are given."""
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns or list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
