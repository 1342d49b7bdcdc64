"""Write the folded network as an ONNX graph, which ONNX Runtime and OpenVINO both read."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from predictor.engines.fold import Layer, fold_unet
from predictor.unet import UNet

OPSET = 13


class Graph:
    """Nodes and weights in the making; each method adds one and names its output."""

    def __init__(self, layers: dict[str, Layer]):
        self.layers = layers
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def store(self, name: str, array: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def convolve(self, x: str, layer: str, kind: str = "Conv", **attributes: Any) -> str:
        weight, bias = self.layers[layer]
        inputs = [x, self.store(f"{layer}.weight", weight), self.store(f"{layer}.bias", bias)]
        return self.add(kind, inputs, layer, **attributes)

    def convolve_twice(self, x: str, block: str) -> str:
        for i in (0, 3):
            x = self.convolve(x, f"{block}.double_conv.{i}", pads=[1, 1, 1, 1])
            x = self.add("Relu", [x], f"{x}.relu")
        return x

    def double(self, x: str, level: str) -> str:
        """Double the size: by the level's own transposed convolution, or bilinear."""
        if f"{level}.up" in self.layers:
            return self.convolve(x, f"{level}.up", "ConvTranspose", strides=[2, 2])
        scales = self.store(f"{level}.scales", np.array([1, 1, 2, 2], np.float32))
        return self.add(
            "Resize",
            [x, "", scales],
            f"{level}.up",
            mode="linear",
            coordinate_transformation_mode="align_corners",
        )


def build_onnx(net: UNet, side: int) -> onnx.ModelProto:
    """Build the graph: `face` [N,1,S,S] FP32 0..1 -> `heatmaps` [N,K,S,S].

    Its faces are of one size, so that engines know all shapes ahead.
    """
    g = Graph(fold_unet(net))
    skips = [g.convolve_twice("face", "inc")]
    for level in range(1, 5):
        x = g.add("MaxPool", [skips[-1]], f"down{level}.pool", kernel_shape=[2, 2], strides=[2, 2])
        skips.append(g.convolve_twice(x, f"down{level}.maxpool_conv.1"))
    x = skips.pop()
    for level in range(1, 5):
        x = g.double(x, f"up{level}")
        x = g.add("Concat", [skips.pop(), x], f"up{level}.cat", axis=1)
        x = g.convolve_twice(x, f"up{level}.conv")
    heatmaps = g.convolve(x, "outc.conv")
    g.add("Identity", [heatmaps], "heatmaps")
    return wrap_graph(g, net.n_classes, side)


def wrap_graph(g: Graph, maps: int, side: int) -> onnx.ModelProto:
    """Declare inputs and outputs, and check the model."""
    face = helper.make_tensor_value_info("face", TensorProto.FLOAT, ["N", 1, side, side])
    shape: list[str | int | None] = ["N", maps, side, side]
    outputs = [helper.make_tensor_value_info("heatmaps", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(g.nodes, "unet", [face], outputs, g.weights)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="landmarks"
    )
    model.ir_version = 8  # the oldest that has all of this; newer ones lock out runtimes
    onnx.checker.check_model(model)
    return model
