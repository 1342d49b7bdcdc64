"""Convert a model folder, or a file of weights, into what the predictor serves.

    python -m predictor.convert mine                        # fp32, and bf16 where the CPU has it
    python -m predictor.convert mine --calibrate FACES      # int8

FACES is a folder of 30 and more pictures of faces, cropped as the network takes them, or of
`make label`. The author's code runs here, once, and never in the server.
"""

import argparse
import logging
import sys
import warnings
from pathlib import Path


def main() -> int:
    """Read the command line, convert, and say what was assumed; 2 is a refusal in one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m predictor.convert",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, help="model folder, or a file of weights")
    parser.add_argument("--calibrate", type=Path, metavar="FACES", help="folder of faces: int8")
    parser.add_argument("--engine", choices=("openvino", "onnxruntime"), default="openvino")
    parser.add_argument("--once", action="store_true", help="only if no artifact fits")
    parser.add_argument("--out", type=Path, help="folder to write; usual: inside the model folder")
    a = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)  # torch's tracer and exporter talk at length

    from predictor.convert.artifact import convert
    from predictor.convert.author import TorchMissing
    from predictor.engines.artifact import is_current
    from predictor.folder import find_source

    ending = "-int8" if a.calibrate else "" if a.engine == "openvino" else f"-{a.engine}"
    try:
        source = find_source(a.path)
        if not source.kind:
            parser.error(f"{a.path} is converted already.")
        if a.once:
            digest = source.digest()
            if any(is_current(path, digest) for path in source.list_artifacts()):
                return 0
        out = a.out or source.artifact.with_name(source.artifact.name + ending)
        how = " --calibrate FACES" if a.calibrate else ""
        how += f" --engine {a.engine}" if a.engine != "openvino" else ""
        command = f"python -m predictor.convert {a.path}{how}"
        out, manifest = convert(source, out, a.calibrate, a.engine, command)
    except TorchMissing as error:
        print(error, file=sys.stderr)
        return 3
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except Exception as error:  # of torch or OpenVINO, of which each has its own
        from predictor.convert.code import tell

        print(f"{a.path} cannot be converted: {tell(error)}.", file=sys.stderr)
        return 2
    if manifest.engine == "openvino-int8":
        from predictor.convert.tune import tune_artifact

        manifest = tune_artifact(out)
    for line in manifest.said:
        print(line)
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    print(
        f"{out}: {manifest.engine}, {size:.1f} MB; its points lie "
        f"{manifest.accuracy['pixels_mean']} pixels from the author's "
        f"(mean of {manifest.accuracy['faces']} faces)."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
