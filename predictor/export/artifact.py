"""Make an artifact of a checkpoint, check that it loads, and measure what it lost."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from predictor.decode import Floats
from predictor.engines.artifact import find_version, name_command
from predictor.engines.base import Engine, scale_faces
from predictor.engines.eager import EagerEngine
from predictor.engines.golden import load_face
from predictor.engines.loading import load_artifact, open_model
from predictor.engines.manifest import Manifest, hash_file, write_manifest
from predictor.engines.reference import load_reference
from predictor.engines.registry import EngineKind
from predictor.export.calibration import load_faces, load_labelled, measure_error
from predictor.export.tune import tune_artifact

HELD_OUT = ("canada", "london")  # sets that the error is measured on, where they are there


def export_artifact(
    checkpoint: Path, kind: EngineKind, out: Path, calibrate: Path | None, tune: bool = True
) -> Manifest:
    """Write the artifact of one engine into the folder `out`, and check that it loads.

    Raises CheckpointError, ValueError or EngineError with one sentence; `out` is then as
    it was before.
    """
    found = load_reference(checkpoint)
    faces = load_faces(calibrate, found.landmarks) if calibrate else None
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        made = Path(folder) / "made"
        made.mkdir()
        model = kind.import_writer()(found.net, found.landmarks.side, faces, made)
        manifest = Manifest(
            engine=kind.name,
            model=model,
            files={path.name: hash_file(path) for path in sorted(made.iterdir())},
            source=checkpoint.name,
            source_sha256=hash_file(checkpoint),
            width=found.net.base_width,
            logits=found.logits,
            landmarks=found.landmarks,
            golden=[],
            versions={kind.package: find_version(kind.package) or ""},
            needs=list(kind.needs.names if kind.needs else ()),
            command=name_command(kind, checkpoint, out, faces is not None),
        )
        manifest = complete(kind, manifest, made, checkpoint, faces, calibrate)
        replace_folder(made, out)
    return tune_artifact(out, kind) if tune else manifest


def complete(
    kind: EngineKind,
    manifest: Manifest,
    folder: Path,
    checkpoint: Path,
    faces: Floats | None,
    labelled: Path | None,
) -> Manifest:
    """Load the artifact, write down its own golden answer and accuracy, and check it."""
    engine = open_model(kind, folder, manifest, 0)
    golden = engine.predict(load_face(engine.landmarks.side))[0][0]  # [K, 2]
    accuracy = measure_accuracy(engine, EagerEngine(checkpoint), faces, labelled)
    manifest = replace(
        manifest,
        golden=[[round(float(v), 3) for v in point] for point in golden],
        accuracy=accuracy,
    )
    write_manifest(folder, manifest)
    load_artifact(kind, checkpoint, folder, 0)
    return manifest


def measure_accuracy(
    engine: Engine, reference: Engine, faces: Floats | None, labelled: Path | None
) -> dict[str, Any]:
    """Compare with the reference: pixels moved, and the error of both on labelled sets.

    Pixels are of the network's face; the error is the mean distance over that of the two
    points that the landmark set has as its unit.
    """
    report: dict[str, Any] = {}
    if faces is None:
        faces = scale_faces(load_face(engine.landmarks.side))
    moved = np.linalg.norm(engine.predict(faces)[0] - reference.predict(faces)[0], axis=2)
    report["faces"] = len(faces)
    report["pixels_mean"] = float(moved.mean())
    report["pixels_p99"] = float(np.percentile(moved, 99))
    report["pixels_max"] = float(moved.max())  # an unsure heatmap has two peaks to choose from
    for name in HELD_OUT if labelled else ():
        held_out, points = load_labelled(labelled, name, engine.landmarks)  # type: ignore[arg-type]
        if len(held_out):
            report[f"{name}_faces"] = len(held_out)
            for key, tried in (("nme", engine), ("nme_fp32", reference)):
                error = measure_error(tried.predict(held_out)[0], points, engine.landmarks)
                report[f"{name}_{key}"] = error
    return {k: round(v, 5) for k, v in report.items()}


def replace_folder(made: Path, out: Path) -> None:
    """Put a finished folder in the place of an older one."""
    if out.exists():
        shutil.rmtree(out)
    shutil.move(made, out)
