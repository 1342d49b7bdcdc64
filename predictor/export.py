"""Turn a checkpoint into a folder that an engine loads at once.

    python -m predictor.export --checkpoint models/simple_unet.pth \\
        --engine openvino-int8 --calibrate FACES --out models/unet-int8

FACES is a folder of face pictures; its ranges go into an int8 artefact, and if it has
an index.csv the artefact's error on its held-out sets goes into the manifest.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from predictor.decode import Floats
from predictor.engines.artefact import GOLDEN_FACE, find_version
from predictor.engines.base import Engine, EngineError
from predictor.engines.build.faces import load_faces, load_labelled, measure_error
from predictor.engines.build.files import WRITERS
from predictor.engines.build.reference import load_reference
from predictor.engines.eager import EagerEngine
from predictor.engines.hardware import BF16
from predictor.engines.loaders import load_artefact, open_model
from predictor.manifest import Manifest, hash_file, write_manifest
from predictor.tune import tune_artefact

PACKAGES = {"openvino": "openvino", "onnxruntime": "onnxruntime", "ahead": "torch"}
NEEDS = {"openvino-bf16": BF16}  # int8 runs anywhere, if slower; its golden answer guards it
HELD_OUT = ("canada", "london")  # sets that the error is measured on, where they are there


def export_artefact(
    checkpoint: Path, engine: str, out: Path, calibrate: Path | None, tune: bool = True
) -> Manifest:
    """Write the artefact of one engine into the folder `out`, and check that it loads.

    Raises CheckpointError, ValueError or EngineError with one sentence; `out` is then as
    it was before.
    """
    net, logits = load_reference(checkpoint)
    faces = load_faces(calibrate) if calibrate else None
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        made = Path(folder) / "made"
        made.mkdir()
        model = WRITERS[engine](net, faces, made)
        manifest = Manifest(
            engine=engine,
            model=model,
            files={path.name: hash_file(path) for path in sorted(made.iterdir())},
            source=checkpoint.name,
            source_sha256=hash_file(checkpoint),
            width=net.base_width,
            logits=logits,
            golden=EagerEngine(checkpoint).locate(np.load(GOLDEN_FACE))[0][0].tolist(),
            versions=list_versions(engine),
            needs=list(NEEDS.get(engine, ())),
            command=name_command(checkpoint, engine, out, calibrate),
        )
        manifest = complete(manifest, made, checkpoint, faces, calibrate)
        replace_folder(made, out)
    return tune_artefact(out) if tune else manifest


def complete(
    manifest: Manifest,
    folder: Path,
    checkpoint: Path,
    faces: Floats | None,
    labelled: Path | None,
) -> Manifest:
    """Load the artefact, write down its own golden answer and accuracy, and check it."""
    engine = open_model(folder, manifest, 0)
    golden = engine.locate(np.load(GOLDEN_FACE))[0][0]  # [15, 2]
    accuracy = measure_accuracy(engine, EagerEngine(checkpoint), faces, labelled)
    manifest = replace(
        manifest,
        golden=[[round(float(v), 3) for v in point] for point in golden],
        accuracy=accuracy,
    )
    write_manifest(folder, manifest)
    load_artefact(manifest.engine, checkpoint, folder, 0)
    return manifest


def measure_accuracy(
    engine: Engine, reference: Engine, faces: Floats | None, labelled: Path | None
) -> dict[str, Any]:
    """Compare with the reference: pixels moved, and the error of both on labelled sets.

    Pixels are of the 96x96 face; the error is the mean distance over that of the outer
    eye corners.
    """
    report: dict[str, Any] = {}
    if faces is None:
        faces = np.load(GOLDEN_FACE).astype(np.float32) / 255
    moved = np.linalg.norm(engine.locate(faces)[0] - reference.locate(faces)[0], axis=2)
    report["faces"] = len(faces)
    report["pixels_mean"] = float(moved.mean())
    report["pixels_p99"] = float(np.percentile(moved, 99))
    report["pixels_max"] = float(moved.max())  # an unsure heatmap has two peaks to choose from
    for name in HELD_OUT if labelled else ():
        held_out, points = load_labelled(labelled, name)  # type: ignore[arg-type]
        if len(held_out):
            report[f"{name}_faces"] = len(held_out)
            report[f"{name}_nme"] = measure_error(engine.locate(held_out)[0], points)
            report[f"{name}_nme_fp32"] = measure_error(reference.locate(held_out)[0], points)
    return {k: round(v, 5) for k, v in report.items()}


def list_versions(engine: str) -> dict[str, str]:
    """List the packages whose other releases may not load the artefact, or answer otherwise."""
    package = PACKAGES[engine.split("-")[0]]
    return {package: find_version(package) or ""}


def name_command(checkpoint: Path, engine: str, out: Path, calibrate: Path | None) -> str:
    """Name the command that makes the artefact anew, free of this machine's paths."""
    faces = " --calibrate FACES" if calibrate else ""
    return (
        f"python -m predictor.export --checkpoint {checkpoint} --engine {engine}{faces} --out {out}"
    )


def replace_folder(made: Path, out: Path) -> None:
    """Put a finished folder in the place of an older one."""
    if out.exists():
        shutil.rmtree(out)
    shutil.move(made, out)


def main() -> None:
    """Read the command line, export, and print the manifest's figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=Path("models/simple_unet.pth"))
    parser.add_argument("--engine", choices=sorted(WRITERS), default="openvino-int8")
    parser.add_argument("--calibrate", type=Path, metavar="FACES", help="folder of face pictures")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--no-tune", action="store_true", help="leave threads and batch as usual")
    a = parser.parse_args()
    try:
        manifest = export_artefact(a.checkpoint, a.engine, a.out, a.calibrate, not a.no_tune)
    except (ValueError, EngineError) as error:
        raise SystemExit(str(error)) from None
    size = sum(path.stat().st_size for path in a.out.iterdir())
    print(f"{a.out}: {size / 1e6:.1f} MB, {manifest.accuracy}")


if __name__ == "__main__":
    main()
