"""YuNet, the detector of OpenCV's model zoo (Wu et al. 2023, Apache-2.0).

Its graph is rewritten before OpenVINO compiles it, to the same sums in fewer steps: what only
the points of a face need goes, three small heads of a grid become one, and the first layer
reads bytes. bench/PROFILE.md has what each step brings.
"""

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from transformer.detectors.base import Floats
from transformer.detectors.network import NetworkDetector, keep_best
from transformer.pictures.picture import Pixels

STRIDES = (8, 16, 32)  # pixels of the input to a cell of each of the three grids
HEADS = ("cls", "obj", "bbox")  # 1, 1 and 4 channels
BYTE = 63  # largest weight of the first layer: sums of such products overflow on no CPU


class YuNet(NetworkDetector):
    """YuNet: for each cell of three grids two scores and a box."""

    name = "yunet"
    # 0.6, less what bf16 moved a score by (0.034 at most): none that fp32 finds at 0.6 is lost.
    min_score = 0.57
    doubt = 0.2
    # Of 20 portraits the upright ones had 0.92 and more, those on their side 0.73 and upside
    # down 0.86 (medians).
    sure = 0.9

    @staticmethod
    def rewrite(model: ov.Model) -> ov.Model:
        """Let YuNet take RGB planes `[1,3,H,W]` in bytes and give a grid `[1,6,h,w]` a stride.

        Raises where the graph is not that of face_detection_yunet_2023mar.onnx.
        """
        (given,) = model.get_parameters()
        (first,) = (target.get_node() for target in given.output(0).get_target_inputs())
        planes = ops.parameter(ov.PartialShape([1, 3, -1, -1]), np.uint8, "planes")
        joined = convolve_bytes(planes, read_weights(first))
        for target in first.output(0).get_target_inputs():
            target.replace_source_output(joined.output(0))
        grids = [merge_heads(model, stride) for stride in STRIDES]
        return ov.Model([ops.result(grid) for grid in grids], [planes], "yunet")

    def search(self, rgb: Pixels, min_score: float) -> tuple[Floats, Floats]:
        grids = self.run(rgb)
        found = [
            read_grid(grid[0], stride, min_score)
            for grid, stride in zip(grids, STRIDES, strict=True)
        ]
        return keep_best(
            np.concatenate([boxes for boxes, _ in found]),
            np.concatenate([scores for _, scores in found]),
        )


def read_grid(grid: Floats, stride: int, min_score: float) -> tuple[Floats, Floats]:
    """Read the boxes `[F,4]` and scores `[F]` of a grid's `[6,h,w]` cells above the threshold.

    A score is the root of two sigmoids' product, so both must reach its square: of most
    cells no more is computed.
    """
    rows = grid.reshape(6, -1)  # [6, C]
    least = np.log(min_score**2 / (1 - min_score**2))
    cells = np.flatnonzero((rows[0] >= least) & (rows[1] >= least))
    cls, obj = 1 / (1 + np.exp(-rows[:2, cells]))
    scores = np.sqrt(cls * obj)
    sure = scores >= min_score
    cells, scores = cells[sure], scores[sure]
    row, column = np.divmod(cells, grid.shape[2])
    box = rows[2:, cells].T  # [F, 4]
    centre = np.stack([column, row], axis=1) + box[:, :2]
    half = np.exp(box[:, 2:]) / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1) * stride
    return boxes.astype(np.float32), scores.astype(np.float32)


def convolve_bytes(planes: ov.Node, weights: Floats) -> ov.Node:
    """Convolve RGB bytes with weights `[16,3,3,3]` made for BGR, in whole numbers.

    As floats the picture would be written twice more before its first layer.
    """
    step = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / BYTE
    whole = np.round(weights[:, ::-1] / step).astype(np.int8)
    low, high = ops.constant(np.float32(0)), ops.constant(np.float32(255))
    values = ops.fake_quantize(ops.convert(planes, "f32"), low, high, low, high, 256)
    kernel = ops.multiply(ops.convert(ops.constant(whole), "f32"), ops.constant(step))
    return ops.convolution(values, kernel, [2, 2], [1, 1], [1, 1], [1, 1])


def merge_heads(model: ov.Model, stride: int) -> ov.Node:
    """Make one head of a grid's three: a pointwise convolution, then a depthwise one."""
    shares: list[ov.Output] = []
    parts: list[tuple[Floats, Floats, Floats, Floats]] = []
    for name in HEADS:
        node = model.output(f"{name}_{stride}").get_node().input_value(0).get_node()
        while node.get_type_name() in ("Sigmoid", "Reshape", "Transpose"):
            node = node.input_value(0).get_node()
        deep, deep_bias = split_bias(node)
        point, point_bias = split_bias(deep.input_value(0).get_node())
        depthwise = read_weights(deep).reshape(-1, 1, 1, 3, 3)
        shares.append(point.input_value(0))
        parts.append((read_weights(point), point_bias, depthwise, deep_bias))
    if len({share.get_node().get_friendly_name() for share in shares}) != 1:
        raise ValueError(f"the heads of stride {stride} read different features")
    weights, bias, depthwise, deep_bias = (
        np.concatenate(arrays) for arrays in zip(*parts, strict=True)
    )
    grid = ops.convolution(shares[0], ops.constant(weights), [1, 1], [0, 0], [0, 0], [1, 1])
    grid = ops.add(grid, ops.constant(bias.reshape(1, -1, 1, 1)))
    grid = ops.group_convolution(grid, ops.constant(depthwise), [1, 1], [1, 1], [1, 1], [1, 1])
    return ops.add(grid, ops.constant(deep_bias.reshape(1, -1, 1, 1)))


def split_bias(node: ov.Node) -> tuple[ov.Node, Floats]:
    """Split a convolution's sum into the convolution and its bias `[C]`."""
    if node.get_type_name() != "Add":
        raise ValueError(f"{node.get_friendly_name()} is no convolution with a bias")
    return node.input_value(0).get_node(), read_constant(node.input_value(1).get_node()).ravel()


def read_weights(convolution: ov.Node) -> Floats:
    """Read a convolution's weights."""
    return read_constant(convolution.input_value(1).get_node())


def read_constant(node: ov.Node) -> Floats:
    """Read a constant, through what only reshapes it; the copy outlives the graph."""
    while node.get_type_name() == "Reshape":
        node = node.input_value(0).get_node()
    return np.array(node.get_data(), np.float32)
