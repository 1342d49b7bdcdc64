"""YuNet through OpenVINO where that is installed: the same boxes, sooner.

Of a core of an Intel Xeon cv2.FaceDetectorYN took 13.2 ms for a picture of 640x480, this 7.2 (10.5
while OpenCV made a float input of the picture that OpenVINO then copied). In bf16 it moved boxes by
up to 3 % of their size.
"""

from pathlib import Path

import cv2
import numpy as np
import openvino as ov
from openvino.preprocess import PrePostProcessor

from pictures.read import Pixels
from transformer.detectors.base import Detector, Floats

STRIDES = (8, 16, 32)  # pixels of the input to a cell of each of the three grids
OVERLAP = 0.3  # intersection over union above which the weaker of two boxes goes
MOST = 5000  # boxes that are looked at


class YuNetOpenVino(Detector):
    """YuNet as an OpenVINO network of any input size, on one thread."""

    name = "yunet"

    def __init__(self, path: Path, side: int, min_score: float):
        super().__init__(side, min_score)
        core = ov.Core()
        model = take_pixels(core.read_model(path))
        # Workers are the parallelism: threads within a picture would only get in their way.
        config = {
            "INFERENCE_NUM_THREADS": 1,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self.request = core.compile_model(model, "CPU", config).create_infer_request()

    def search(self, bgr: Pixels) -> tuple[Floats, Floats]:
        height, width = bgr.shape[:2]
        # The network halves five times: pad at the right and below to multiples of 32.
        padded = cv2.copyMakeBorder(bgr, 0, -height % 32, 0, -width % 32, cv2.BORDER_CONSTANT)
        # Unshared, OpenVINO would copy the input, and outputs that read_grid reads where they are.
        self.request.infer([padded[None]], share_inputs=True, share_outputs=True)  # [1, H, W, 3]
        found = [self.read_grid(stride, padded.shape[1] // stride) for stride in STRIDES]
        boxes = np.concatenate([boxes for boxes, _ in found])
        scores = np.concatenate([scores for _, scores in found])
        if not len(scores):
            return boxes, scores
        rects = boxes.copy()
        rects[:, 2:] -= rects[:, :2]
        best = cv2.dnn.NMSBoxes(rects.tolist(), scores.tolist(), self.min_score, OVERLAP, 1.0, MOST)
        kept = np.array(best, np.intp)
        return boxes[kept], scores[kept]

    def read_grid(self, stride: int, columns: int) -> tuple[Floats, Floats]:
        """Read the boxes `[F,4]` and scores `[F]` of one grid's cells above the threshold."""
        cls, obj, box = (
            self.request.get_tensor(f"{name}_{stride}").data[0] for name in ("cls", "obj", "bbox")
        )  # [C, 1], [C, 1], [C, 4]
        scores = np.sqrt(cls[:, 0].clip(0, 1) * obj[:, 0].clip(0, 1))  # [C]
        cells = np.nonzero(scores >= self.min_score)[0]
        row, column = np.divmod(cells, columns)
        centre = np.stack([column, row], axis=1) + box[cells, :2]
        half = np.exp(box[cells, 2:]) / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1) * stride
        return boxes.astype(np.float32), scores[cells].astype(np.float32)


def take_pixels(model: ov.Model) -> ov.Model:
    """Let the network take `[1,H,W,3]` of any size in bytes: what makes floats of them is fused."""
    model.reshape({0: [1, 3, -1, -1]})
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout("NCHW"))
    return steps.build()
