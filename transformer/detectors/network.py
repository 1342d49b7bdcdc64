"""What the detectors share: a network on OpenVINO, and the best of overlapping boxes."""

from abc import abstractmethod
from pathlib import Path

import cv2
import numpy as np
import openvino as ov

from transformer.detectors.base import Detector, Floats
from transformer.detectors.boxes import OVERLAP
from transformer.detectors.scales import MULTIPLE
from transformer.pictures.picture import Pixels

MOST = 5000  # boxes that are looked at


class NetworkDetector(Detector):
    """A detector whose network OpenVINO runs, after a rewrite that is the detector's own.

    It takes any size, on one thread, and keeps its buffers. Workers are the parallelism: of the
    ways to share a network between them (one for each, its streams, its one stream) the first took
    the least time, and no more memory than the second.
    """

    runtime = f"OpenVINO {ov.__version__.split('-')[0]}"

    def __init__(self, path: Path, min_score: float | None = None, precision: str | None = None):
        super().__init__(path, min_score)
        core = ov.Core()
        config = {
            "INFERENCE_NUM_THREADS": 1,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": precision or choose_precision(core),
        }
        compiled = core.compile_model(self.rewrite(core.read_model(path)), "CPU", config)
        self.precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.request = compiled.create_infer_request()
        self.planes = np.empty((1, 3, 0, 0), np.uint8)

    @staticmethod
    @abstractmethod
    def rewrite(model: ov.Model) -> ov.Model:
        """Rewrite the network to take planes `[1,3,H,W]` of any size in bytes, red first."""

    def run(self, rgb: Pixels) -> list[Floats]:
        """Run on a picture `[h,w,3]`: the outputs, in OpenVINO's memory until the next run."""
        height, width = rgb.shape[:2]
        padded = (height + -height % MULTIPLE, width + -width % MULTIPLE)
        if self.planes.shape[2:] != padded:
            self.planes = np.empty((1, 3, *padded), np.uint8)
            self.request.set_input_tensor(ov.Tensor(self.planes, shared_memory=True))
        # Planes, as from those OpenVINO makes what its convolutions read in one step, not three.
        cv2.split(rgb, list(self.planes[0, :, :height, :width]))
        self.planes[0, :, height:] = 0
        self.planes[0, :, :height, width:] = 0
        self.request.infer()
        return [tensor.data for tensor in self.request.output_tensors]


def choose_precision(core: ov.Core) -> str:
    """Choose bf16 where the CPU multiplies it; elsewhere OpenVINO would imitate it, slowly."""
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def keep_best(boxes: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Keep the best of boxes that overlap, the best first."""
    if not len(scores):
        return boxes, scores
    rects = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    best = cv2.dnn.NMSBoxes(rects.tolist(), scores.tolist(), 0.0, OVERLAP, 1.0, MOST)
    kept = np.array(best, np.intp)
    return boxes[kept], scores[kept]
