"""Find the faces in pictures and print, save or draw their landmarks.

Exit codes: 0 faces were found, 1 none, 2 something failed.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .api import DEFAULT_URL, Client
from .faces import ServiceError
from .output import WRITERS, Output, ResultsFile
from .parts import Parts
from .run import FAILED, locate_all, place_drawing
from .storage import describe_others, is_url, list_pictures

INTERRUPTED = 130  # as a shell says it of Ctrl-C
SEARCH = ("detect", "min_score", "min_face", "max_faces", "order")
CHOICES = (*SEARCH, "template", "aligned_side", "boxes")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="landmarks" if __package__ == "landmarks_client" else "python -m client",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = parser.add_argument
    option("pictures", nargs="+", help="files, folders, URLs, - for stdin")
    url = os.environ.get("LANDMARKS_URL") or DEFAULT_URL
    option("--url", default=url, help="the address, or LANDMARKS_URL: %(default)s")
    option("--model", default="unet")
    option("--timeout", type=float, default=30.0, help="seconds for one attempt")
    option("--retries", type=int, default=3, help="more attempts when it is full")
    option("--threads", type=int, default=4, help="pictures in flight")
    option("--header", action="append", type=read_header, default=[], metavar="NAME: VALUE")
    add = parser.add_argument_group("of a request, as docs/api.md has them").add_argument
    add("--detect", metavar="LEVEL", help="how closely to look: fast, default, thorough")
    add("--min-score", type=float, metavar="SCORE", help="the least box_score")
    add("--min-face", type=float, metavar="PERCENT", help="faces at least so large in the picture")
    add("--max-faces", type=int, metavar="N", help="the best so many of each picture")
    add("--order", help="score, size, left_to_right")
    add("--box", action="append", type=read_box, dest="boxes", help="X0,Y0,X1,Y1: of one picture")
    add("--outputs", metavar="NAMES", help="more of each face in JSON: pose,sharpness,...")
    add("--aligned", type=Path, metavar="FOLDER", help="every face, as an aligned PNG")
    add("--template", help="of aligned faces: arcface112, ffhq256, or ten numbers")
    add("--aligned-side", type=int, metavar="PIXELS", help="of aligned faces")
    option("--shrink", action="store_true", help="send large photographs with fewer pixels")
    option("--format", choices=WRITERS, default="table", help="of what is printed")
    option("--json", action="store_const", const="ndjson", dest="format", help="--format ndjson")
    out = "add to a .csv or .ndjson file; a URL or a .parquet is a folder of parts"
    option("--out", metavar="FILE", help=out)
    option("--overlay", type=Path, metavar="FILE.png", help="one picture, drawn")
    option("--overlay-dir", type=Path, metavar="FOLDER", help="every picture, drawn")
    option("--version", action="version", version=__version__)
    given = parser.parse_args(arguments)
    first = given.pictures[0]
    given.many = len(given.pictures) > 1 or os.path.isdir(first) or is_url(first)
    if given.overlay and (given.many or given.overlay.suffix.lower() != ".png"):
        parser.error("--overlay: a .png for one picture; --overlay-dir draws many.")
    if given.boxes and given.many:
        parser.error("--box: the boxes are of one picture.")
    if given.shrink and (given.boxes or given.outputs or given.aligned):
        parser.error("--shrink: not beside --box, --outputs and --aligned, which need all pixels.")
    if not given.timeout > 0 or given.retries < 0 or given.threads < 1:
        parser.error("--timeout and --threads are above 0, --retries not below it.")
    given.parts = bool(given.out) and (is_url(given.out) or given.out.endswith(".parquet"))
    endings = (".parquet", ".ndjson") if given.parts else (".csv", ".ndjson")
    if given.out and not given.out.rstrip("/").lower().endswith(endings):
        parser.error(f"--out: the name ends in {' or '.join(endings)}.")
    if given.outputs and not (given.out or given.format).rstrip("/").lower().endswith("ndjson"):
        parser.error("--outputs: they are written as JSON alone, with --json or to a .ndjson file.")
    return given


def read_box(text: str) -> list[float]:
    try:
        x0, y0, x1, y1 = (float(value) for value in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"four numbers with commas, not '{text}'.") from None
    return [x0, y0, x1, y1]


def read_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError("a name, a colon and a value.")
    return name.strip(), value.strip()


def run(given: argparse.Namespace) -> int:
    """Do what the arguments say; return the exit code. Raises ServiceError, OSError."""
    out = Path(given.out) if given.out and not given.parts else None
    own = [path for path in (out, given.overlay, given.overlay_dir, given.aligned) if path]
    pictures, others = list_pictures(given.pictures, own)
    if others:
        print(describe_others(others), file=sys.stderr)

    def find_drawing(name: str) -> Path | None:
        folder = given.overlay_dir
        return given.overlay or (place_drawing(folder, name) if folder else None)

    if given.out:
        output: Output = ResultsFile(out) if out else Parts(given.out)
    else:
        output = Output(given.format, named=given.many)
    service = {name: getattr(given, name) for name in ("url", "model", "timeout", "retries")}
    asked = {name: value for name in CHOICES if (value := getattr(given, name)) is not None}
    further = [*(given.outputs or "").split(","), *(["aligned"] if given.aligned else [])]
    asked["outputs"] = [name for name in further if name]
    asked["shrink"] = given.shrink
    with Client(**service, threads=given.threads, headers=dict(given.header)) as client:
        return locate_all(client, pictures, output, find_drawing, asked, given.aligned)


def main() -> None:
    given = parse_arguments()
    for stream in (sys.stdout, sys.stderr):  # a file's name need not be UTF-8
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")
    try:
        code = run(given)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    except (ServiceError, OSError) as error:
        print(error, file=sys.stderr)
        code = FAILED
    except KeyboardInterrupt:
        print("interrupted; with --out the same command goes on", file=sys.stderr)
        code = INTERRUPTED
    raise SystemExit(code)


if __name__ == "__main__":
    main()
