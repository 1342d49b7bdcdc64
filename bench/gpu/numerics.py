"""Whether the cuda engine finds what eager does, over its graphs' sizes and those between."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from predictor.engines.base import Engine, scale_faces
from predictor.engines.eager import EagerEngine

BATCHES = (1, 2, 3, 5, 8, 13, 32, 63, 64, 65, 150)
LARGEST, MEAN = 1.0, 0.15  # pixels of the face: a flat peak may move by one, not all peaks


def make_faces(count: int) -> NDArray[np.uint8]:
    """Make faces `[N,1,96,96]` of the golden one: shifted, darkened, noisy, none the same."""
    face = np.load("predictor/golden_face.npy")[0, 0]  # [96, 96]
    random = np.random.default_rng(0)
    faces = np.empty((count, 1, *face.shape), np.uint8)
    for i in range(count):
        moved = np.roll(face, random.integers(-3, 4, 2), (0, 1)).astype(np.float32)
        noisy = moved * random.uniform(0.7, 1.1) + random.normal(0, 3, face.shape)
        faces[i, 0] = noisy.clip(0, 255)
    return faces


def open_engines(checkpoint: Path, dry: bool) -> dict[str, Engine]:
    """Open what is compared with eager; on a dry run a second eager stands in."""
    if dry:
        return {"eager again, as a stand-in": EagerEngine(checkpoint)}
    from predictor.engines.cuda import CudaEngine

    kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
    return {f"cuda, {name}": CudaEngine(checkpoint, half=half) for name, half in kinds.items()}


def compare_engines(checkpoint: Path, dry: bool) -> list[dict]:
    """Compare landmarks, scores and heatmaps with eager's, batch by batch, bytes and floats."""
    eager = EagerEngine(checkpoint)
    faces = make_faces(max(BATCHES[:4] if dry else BATCHES))
    points, scores = eager.predict(faces)
    maps = eager.run(faces[:8])
    rows = []
    for name, engine in open_engines(checkpoint, dry).items():
        far, score = [], 0.0
        for batch in BATCHES[:4] if dry else BATCHES:
            for given in (faces[:batch], scale_faces(faces[:batch])):
                found = engine.predict(given)
                far.append(np.linalg.norm(found[0] - points[:batch], axis=2).ravel())
                score = max(score, float(np.abs(found[1] - scores[:batch]).max()))
        all_far = np.concatenate(far)
        off = float(np.abs(engine.run(faces[:8]) - maps).max() / np.abs(maps).max())
        rows.append(
            {
                "engine": name,
                "largest_px": round(float(all_far.max()), 4),
                "mean_px": round(float(all_far.mean()), 5),
                "largest_score": round(score, 4),
                "heatmaps": round(off, 5),
                "agrees": bool(all_far.max() <= LARGEST and all_far.mean() <= MEAN),
            }
        )
    return rows
