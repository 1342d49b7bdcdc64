"""Check data folders against the table of what the shipped networks were trained on.

python -m training.sources --data FOLDER ... [--table models/training_data.csv]

Each picture of the table must have a licence and a source, and lie in a folder unchanged.
"""

import argparse
import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from training.command import end_in_a_sentence
from training.index import DataError

TABLE = Path("models/training_data.csv")


def check_pictures(folders: Sequence[Path], table: Path) -> Counter[str]:
    """Return how many pictures the table has of each licence; raises DataError."""
    licences: Counter[str] = Counter()
    with open(table, newline="") as file:
        for row in csv.DictReader(file):
            if not all(row.get(name) for name in ("path", "sha256", "licence", "source")):
                raise DataError(f"{table}: {row.get('path')} has no hash, licence or source.")
            places = [folder / row["path"] for folder in folders]
            found = next((place for place in places if place.is_file()), None)
            if found is None:
                raise DataError(f"{row['path']} is in none of {', '.join(map(str, folders))}.")
            if hashlib.sha256(found.read_bytes()).hexdigest() != row["sha256"]:
                raise DataError(f"{found} is not the picture of {table}: its sha256 differs.")
            licences[row["licence"]] += 1
    return licences


def main(words: list[str] | None = None) -> None:
    """Check by a command line; errors are one sentence and 2."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, nargs="+", help="data folders")
    parser.add_argument("--table", type=Path, default=TABLE)
    a = parser.parse_args(words)
    with end_in_a_sentence():
        for licence, count in check_pictures(a.data, a.table).most_common():
            print(f"{count:5} {licence}")


if __name__ == "__main__":
    main()
