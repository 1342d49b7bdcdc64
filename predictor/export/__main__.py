"""Turn a checkpoint into a folder that an engine loads at once.

    python -m predictor.export --checkpoint models/simple_unet.pth \\
        --engine openvino-int8 --calibrate FACES --out models/unet-int8

FACES is a folder of face images; its ranges go into an int8 artifact, and if it has
an index.csv the artifact's error on its held-out sets goes into the manifest.
"""

import argparse
from pathlib import Path

from predictor.engines.base import EngineError
from predictor.engines.registry import ENGINES
from predictor.export.artifact import export_artifact


def main() -> None:
    """Read the command line, export, and print the manifest's figures."""
    exported = [row.name for row in ENGINES.values() if row.writer]  # the one that ships first
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=Path("models/simple_unet.pth"))
    parser.add_argument("--engine", choices=exported, default=exported[0])
    parser.add_argument("--calibrate", type=Path, metavar="FACES", help="folder of face pictures")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--no-tune", action="store_true", help="leave threads and batch as usual")
    a = parser.parse_args()
    try:
        manifest = export_artifact(
            a.checkpoint, ENGINES[a.engine], a.out, a.calibrate, not a.no_tune
        )
    except (ValueError, EngineError) as error:
        raise SystemExit(str(error)) from None
    size = sum(path.stat().st_size for path in a.out.iterdir())
    print(f"{a.out}: {size / 1e6:.1f} MB, {manifest.accuracy}")


if __name__ == "__main__":
    main()
