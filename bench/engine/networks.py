"""The networks that are measured, and their exports, kept under out/bench."""

import shutil
from pathlib import Path

import numpy as np
import torch

from bench.engine.engines import EXPORTED
from bench.engine.techniques import Technique
from predictor.engines.manifest import hash_file, read_manifest, write_manifest
from predictor.engines.reference import load_reference
from predictor.export.artifact import export_artifact
from predictor.export.calibration import load_faces
from predictor.export.quantise import quantise
from predictor.export.writers import read, save
from predictor.landmarks import DEFAULT
from predictor.unet import UNet

OUT = Path("out/bench")
SHIPPED = Path("models/simple_unet.pth")
STUDENT = Path("models/student_unet.pth")


def make_wide(data: Path) -> Path:
    """Write a width-64 network of random weights, its BatchNorms calibrated on faces.

    Speed, memory and rounding are a trained one's; it has no landmarks to be wrong about.
    """
    path = OUT / "unet64.pth"
    if not path.is_file():
        OUT.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        net = UNet(base_width=64).train()
        for norm in net.modules():
            if isinstance(norm, torch.nn.BatchNorm2d):
                norm.momentum = None  # the plain mean of all batches
        with torch.no_grad():
            for faces in np.array_split(load_faces(data, DEFAULT, 32), 4):
                net(torch.from_numpy(faces))
        torch.save(net.state_dict(), path)
    return path


def find_export(technique: Technique, checkpoint: Path, data: Path) -> Path | None:
    """Find or make the export that a technique loads; None where it takes the checkpoint."""
    engine = technique.artifact
    if not engine:
        return None
    folder = OUT / f"{checkpoint.stem}-{engine}"
    if is_of(folder, checkpoint):
        return folder
    print(f"exporting {folder} ...", flush=True)
    if engine == "int8-everything":
        return export_everything(checkpoint, folder, data)
    kind = EXPORTED[engine]
    export_artifact(checkpoint, kind, folder, data if kind.calibrated else None, tune=False)
    return folder


def is_of(folder: Path, checkpoint: Path) -> bool:
    """Check whether the folder was made of this checkpoint."""
    made = (folder / "manifest.json").is_file()
    return made and read_manifest(folder).source_sha256 == hash_file(checkpoint)


def export_everything(checkpoint: Path, folder: Path, data: Path) -> Path:
    """Export int8 with no layer spared: what `quantise` avoids."""
    usual = OUT / f"{checkpoint.stem}-openvino-int8"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = load_reference(checkpoint)
    model = read(found.net, found.landmarks.side)
    save(quantise(model, load_faces(data, found.landmarks), ()), folder, fp16=False)
    write_manifest(folder, read_manifest(usual))
    return folder
