"""CenterFace, the fallback detector (Xu et al. 2019, arXiv:1911.03599, MIT)."""

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from transformer.detectors.base import Floats
from transformer.detectors.network import NetworkDetector, keep_best
from transformer.pictures.picture import Pixels

STRIDE = 4  # pixels of the input to one of the heatmap
OUTPUTS = ("537", "538", "539")  # heat, size, offset; 540 has points that nobody reads


class CenterFace(NetworkDetector):
    """CenterFace: the centre, size and offset of each face."""

    name = "centerface"
    min_score = 0.5
    doubt = 0.2
    sure = 0.6

    @staticmethod
    def rewrite(model: ov.Model) -> ov.Model:
        """Let CenterFace take planes `[1,3,H,W]` of any size in bytes, and drop its points."""
        model.reshape({0: [1, 3, -1, -1]})
        (given,) = model.get_parameters()
        planes = ops.parameter(ov.PartialShape([1, 3, -1, -1]), np.uint8, "planes")
        floats = ops.convert(planes, "f32")
        for target in given.output(0).get_target_inputs():
            target.replace_source_output(floats.output(0))
        wanted = [model.output(name).get_node() for name in OUTPUTS]
        return ov.Model(wanted, [planes], "centerface")

    def search(self, rgb: Pixels, min_score: float) -> tuple[Floats, Floats]:
        heat, size, offset = (tensor[0] for tensor in self.run(rgb))
        y, x = np.nonzero(heat[0] > min_score)  # [F], [F]
        scores = heat[0, y, x].astype(np.float32)
        half = np.exp(size[:, y, x][::-1].T) * (STRIDE / 2)  # [F, 2], width and height
        middle = offset[:, y, x][::-1].T + np.stack([x, y], axis=1) + 0.5
        boxes = np.concatenate([middle * STRIDE - half, middle * STRIDE + half], axis=1)
        return keep_best(boxes.astype(np.float32), scores)
