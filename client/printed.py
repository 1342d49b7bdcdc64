"""Results on the terminal, or for the next program in a pipe."""

import json
from collections.abc import Sequence

from .faces import Face
from .results_file import format_rows, make_entry
from .tables import COLUMNS, make_rows

FORMATS = ("table", "csv", "json", "ndjson", "faces")


class Printed:
    """Prints each result as it comes; `faces` is the JSON of one picture's faces alone."""

    def __init__(self, kind: str, named: bool):
        self.kind, self.named = kind, named
        self.done: dict[str, int] = {}
        if kind == "csv":
            print(format_rows([COLUMNS]), end="")

    def add(self, name: str, faces: Sequence[Face]) -> None:
        if self.kind == "csv":
            print(format_rows(list(make_rows(name, faces))), end="")
        elif self.kind == "ndjson":
            print(json.dumps(make_entry(name, faces)), flush=True)
        elif self.kind == "json":
            print("," if self.done else "[", json.dumps(make_entry(name, faces)))
        elif self.kind == "faces":
            print(json.dumps([face.to_dict() for face in faces], indent=2))
        else:
            if self.named:
                print(name)
            print_table(faces)
        self.done[name] = len(faces)

    def close(self) -> None:
        if self.kind == "json":
            print("]" if self.done else "[]")


def print_table(faces: Sequence[Face]) -> None:
    """Print a line a point."""
    print(f"{'face':>4}  {'point':<26}{'x':>9}{'y':>9}{'score':>7}")
    for number, face in enumerate(faces):
        for point in face.points:
            print(f"{number:>4}  {point.name:<26}{point.x:>9.2f}{point.y:>9.2f}{point.score:>7.2f}")
    print(f"{len(faces)} face{'' if len(faces) == 1 else 's'}")
