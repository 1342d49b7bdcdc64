"""Check data folders against the table of what the shipped networks were trained on.

python -m training.sources --data FOLDER ... [--table models/training_data.csv]

Each picture of the table must have a licence and a source, and lie in a folder unchanged.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tools.command import command
from training import DataError
from training.index import FOLDERS, read_table

TABLE = Path("models/training_data.csv")


def check_pictures(folders: Sequence[Path], table: Path) -> Counter[str]:
    """Return how many pictures the table has of each licence; raises DataError."""
    licences: Counter[str] = Counter()
    for row in read_table(table):
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
    """Check by a command line."""
    with command(__doc__, words, data=FOLDERS, table=TABLE) as asked:
        for licence, count in check_pictures(asked.data, asked.table).most_common():
            print(f"{count:5} {licence}")


if __name__ == "__main__":
    main()
