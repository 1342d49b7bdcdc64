"""Locate the faces of one or many pictures, write them down, and say what failed."""

import io
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from .api import Client
from .faces import Picture, ServiceError
from .output import Output
from .packages import load_package
from .shrink import PILLOW

LOGGED = 1000  # pictures between two lines of a log
FOUND, NONE, FAILED = 0, 1, 2  # exit codes
GONE = ("unreachable", "bad_address")  # no other picture fares better
# Nor after these, where no picture was answered yet; later a gateway that changes over says them.
ELSEWHERE = ("404", "401", "other_service", "model_not_found")
ADDRESS = "Is the service up, and --url or LANDMARKS_URL its address?"
HINTS = dict.fromkeys(("404", "other_service", *GONE), ADDRESS) | {
    "401": "Its gateway asks who you are: --header 'Authorization: Bearer TOKEN'.",
    "model_not_found": "--model names another one.",
}


def locate_all(
    client: Client,
    pictures: Mapping[str, Picture],
    output: Output,
    find_drawing: Callable[[str], Path | None],
    choices: Mapping[str, Any],
    aligned: Path | None = None,
) -> int:
    """Locate the faces of all pictures that aren't done; return the exit code.

    A picture that fails does not stop the others; a service that is gone does.
    """
    left = [name for name in pictures if name not in output.done]
    if len(left) < len(pictures):
        print(f"{len(pictures) - len(left)} of {len(pictures)} are done.", file=sys.stderr)
    failures: dict[str, ServiceError] = {}
    hopeless: tuple[str, ...] = GONE + ELSEWHERE
    draw = bool(left) and find_drawing(left[0]) is not None
    results = client.locate_many([pictures[name] for name in left], draw, **choices)
    begun, refused, shrunk = time.monotonic(), 0, 0
    try:
        for number, (name, result) in enumerate(zip(left, results, strict=True), start=1):
            if result.error and result.error.code not in output.refusals:
                failures[name] = result.error
                if result.error.code in hopeless:
                    break
            else:
                hopeless = hopeless if result.error else GONE
                refused += result.error is not None
                shrunk += result.sent is not None
                drawing = find_drawing(name)
                if drawing and result.drawing:  # what is written down is done
                    write_file(drawing, result.drawing)
                if aligned:
                    path = place_drawing(aligned, name)
                    for count, face in enumerate(result):
                        file = path.with_name(f"{path.stem}.{count}{path.suffix}")
                        write_file(file, write_png(face.extras["aligned"]))
                output.add(replace(result, name=name, picture=b"", drawing=None))
            show_progress(number, len(left), begun)
    finally:
        results.close()
        output.close()
    if shrunk:
        print(f"{shrunk} of {len(left)} pictures were sent with fewer pixels.", file=sys.stderr)
    if refused:
        print(f"{refused} pictures were refused; the results say why.", file=sys.stderr)
    report_failures(failures, len(pictures))
    if failures:
        return FAILED
    return FOUND if any(output.done.get(name) for name in pictures) else NONE


def write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_png(pixels: bytes) -> bytes:
    """Write a square of RGB pixels, row by row, as a PNG; raises ServiceError without Pillow."""
    side = math.isqrt(len(pixels) // 3)
    image = load_package(*PILLOW).frombytes("RGB", (side, side), pixels)
    image.save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def show_progress(number: int, total: int, begun: float) -> None:
    """Say how far a run of many pictures is: on a terminal always, in a log by the thousand."""
    terminal = sys.stderr.isatty()
    if total > 1 and (terminal or number % LOGGED == 0):
        rate = number / max(time.monotonic() - begun, 1e-9)
        text = f"{number} of {total} pictures, {rate:.1f} per second"
        start, end = ("\r", "\n" if number == total else " ") if terminal else ("", "\n")
        print(start, text, sep="", end=end, file=sys.stderr, flush=True)


def report_failures(failures: Mapping[str, ServiceError], pictures: int) -> None:
    """Say on stderr what failed, and what to do."""
    if pictures > 1 and failures:
        print(f"\n{len(failures)} of {pictures} pictures failed:", file=sys.stderr)
    for name, error in failures.items():
        print(f"{name}: {error}" if pictures > 1 else error, file=sys.stderr)
    codes = [error.code for error in failures.values()]
    for hint in dict.fromkeys(HINTS[code] for code in codes if code in HINTS):
        print(hint, file=sys.stderr)


def place_drawing(folder: Path, name: str) -> Path:
    """Return where a picture's drawing goes: inside the folder, wherever the picture is."""
    parts = [part for part in PurePath(name).parts if part not in ("..", PurePath(name).anchor)]
    file = "/".join(parts) if name != "-" else "stdin"
    return folder / f"{file}.png"
