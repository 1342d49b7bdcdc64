"""Locate the faces of one or many pictures, write them down, and say what failed."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Protocol

from .api import Client
from .faces import Face, ServiceError
from .result import Picture, Result

FOUND, NONE, FAILED = 0, 1, 2  # exit codes
GONE = ("unreachable", "bad_address", "no_grpc")  # no other picture fares better
# Nor after these, where no picture was answered yet; later a gateway that changes over says them.
ELSEWHERE = ("404", "401", "other_service", "model_not_found")
ADDRESS = "Is the service up, and --url or LANDMARKS_URL its address?"
HINTS = {
    "401": "Its gateway asks who you are: --header 'Authorization: Bearer TOKEN'.",
    "model_not_found": "--model names another one.",
    **dict.fromkeys(("404", "other_service", "unreachable", "bad_address"), ADDRESS),
}


class Output(Protocol):
    """Where results go; `done` has the pictures that are there, and their numbers of faces."""

    done: dict[str, int]

    def add(self, name: str, faces: Sequence[Face]) -> None: ...
    def close(self) -> None: ...


def locate_all(
    client: Client,
    pictures: Mapping[str, Picture],
    output: Output,
    find_drawing: Callable[[str], Path | None],
) -> int:
    """Locate the faces of all pictures that aren't done; return the exit code.

    A picture that fails does not stop the others; a service that is gone does.
    """
    left = [name for name in pictures if name not in output.done]
    if len(left) < len(pictures):
        print(f"{len(pictures) - len(left)} of {len(pictures)} are done.", file=sys.stderr)
    failures: dict[str, Exception] = {}
    hopeless: tuple[str, ...] = GONE + ELSEWHERE
    results = client.locate_many([pictures[name] for name in left], progress=len(left) > 1)
    try:
        for name, result in zip(left, results, strict=True):
            if error := finish(name, result, output, find_drawing(name)):
                failures[name] = error
                if isinstance(error, ServiceError) and error.code in hopeless:
                    break
            else:
                hopeless = GONE
    finally:
        results.close()
        output.close()
    report_failures(failures, len(pictures))
    if failures:
        return FAILED
    return FOUND if any(output.done.get(name) for name in pictures) else NONE


def finish(name: str, result: Result, output: Output, drawing: Path | None) -> Exception | None:
    """Draw a result and write it down, in this order: what is written down is not done again."""
    if result.error:
        return result.error
    try:
        if drawing:
            drawing.parent.mkdir(parents=True, exist_ok=True)
            kind = "png" if drawing.suffix.lower() == ".png" else "jpeg"
            drawing.write_bytes(result.draw(f"image/{kind}"))
    except ServiceError as error:
        return error
    output.add(name, result.faces)
    return None


def report_failures(failures: Mapping[str, Exception], pictures: int) -> None:
    """Say on stderr what failed, and what to do."""
    if pictures > 1 and failures:
        print(f"\n{len(failures)} of {pictures} pictures failed:", file=sys.stderr)
    for name, error in failures.items():
        print(f"{name}: {error}" if pictures > 1 else error, file=sys.stderr)
    codes = [error.code for error in failures.values() if isinstance(error, ServiceError)]
    for hint in dict.fromkeys(HINTS[code] for code in codes if code in HINTS):
        print(hint, file=sys.stderr)


def place_drawing(folder: Path, name: str) -> Path:
    """Return where a picture's drawing goes: inside the folder, wherever the picture is."""
    parts = [part for part in PurePath(name).parts if part not in ("..", PurePath(name).anchor)]
    file = "/".join(parts) if name != "-" else "stdin"
    return folder / f"{file}.png"
