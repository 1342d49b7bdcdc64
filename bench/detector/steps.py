"""The steps that led to the detectors as they are, and those that did not pay."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import openvino as ov
from openvino import opset13 as ops
from openvino.preprocess import PrePostProcessor

from bench.detector.blazeface import KINDS, BlazeFace
from bench.detector.opencv import OpenCvCenterFace, OpenCvYuNet
from transformer.detectors import yunet
from transformer.detectors.base import Detector, Floats
from transformer.detectors.centerface import CenterFace
from transformer.detectors.network import MULTIPLE, Network, keep_best
from transformer.detectors.yunet import STRIDES, YuNet, merge_heads, read_weights
from transformer.picture import Pixels


class Interleaved(Detector):
    """YuNet as it ran before: BGR as it lies, and all outputs of the file's graph."""

    name, min_score, doubt = "yunet", 0.6, 0.2
    runtime = Network.runtime
    points = True

    def __init__(self, path: Path, side: int, min_score: float, precision: str = "f32"):
        super().__init__(path, side, min_score)
        self.precision = precision
        core = ov.Core()
        model = core.read_model(path)
        model.reshape({0: [1, 3, -1, -1]})
        steps = PrePostProcessor(model)
        steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        steps.input().model().set_layout(ov.Layout("NCHW"))
        model = self.finish(steps.build())
        config = {
            "INFERENCE_NUM_THREADS": 1,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": precision,
        }
        self.request = core.compile_model(model, "CPU", config).create_infer_request()

    def finish(self, model: ov.Model) -> ov.Model:
        if self.points:
            return model
        wanted = [f"{name}_{stride}" for stride in STRIDES for name in ("cls", "obj", "bbox")]
        return ov.Model([model.output(n).get_node() for n in wanted], model.get_parameters())

    def search(self, rgb: Pixels, min_score: float) -> tuple[Floats, Floats]:
        down, right = -rgb.shape[0] % MULTIPLE, -rgb.shape[1] % MULTIPLE
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        padded = cv2.copyMakeBorder(bgr, 0, down, 0, right, cv2.BORDER_CONSTANT)
        self.request.infer([padded[None]], share_inputs=True, share_outputs=True)
        found = [self.read_grid(s, padded.shape[1] // s, min_score) for s in STRIDES]
        boxes, scores = (np.concatenate(part) for part in zip(*found, strict=True))
        return keep_best(boxes, scores)

    def read_grid(self, stride: int, columns: int, min_score: float) -> tuple[Floats, Floats]:
        cls, obj, box = (
            self.request.get_tensor(f"{name}_{stride}").data[0] for name in ("cls", "obj", "bbox")
        )  # [C, 1], [C, 1], [C, 4]
        scores = np.sqrt(cls[:, 0].clip(0, 1) * obj[:, 0].clip(0, 1))  # [C]
        cells = np.nonzero(scores >= min_score)[0]
        row, column = np.divmod(cells, columns)
        centre = np.stack([column, row], axis=1) + box[cells, :2]
        half = np.exp(box[cells, 2:]) / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1) * stride
        return boxes.astype(np.float32), scores[cells].astype(np.float32)


class WithoutPoints(Interleaved):
    points = False


class Averaged(Detector):
    """A picture made smaller as it was: by one average of areas, whatever the factor."""

    def search_scaled(self, pixels: Pixels, side: int, min_score: float) -> tuple[Floats, Floats]:
        height, width = pixels.shape[:2]
        ratio = max(1.0, max(height, width) / side)
        size = round(width / ratio), round(height / ratio)
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if ratio > 1 else pixels
        boxes, scores = self.search(np.asarray(small, np.uint8), min_score)
        return boxes * np.float32(ratio), scores


class AsItWas(Averaged, Interleaved): ...


class YuNetAsShipped(Averaged, OpenCvYuNet): ...


class CenterFaceAsItWas(Averaged, OpenCvCenterFace): ...


class FloatPlanes(YuNet):
    """As shipped, but the first layer reads floats."""

    @staticmethod
    def rewrite(model: ov.Model) -> ov.Model:
        return rewrite_floats(model, merge_heads)


class DenseHeads(YuNet):
    """The two convolutions of a head, with nothing between them, as one of 3x3: 64 to 6."""

    @staticmethod
    def rewrite(model: ov.Model) -> ov.Model:
        return rewrite_floats(model, make_dense)


class Quantised(YuNet):
    """All of it in int8, by NNCF's post-training quantisation on the group pictures."""

    pictures: ClassVar[list[Pixels]] = []

    @staticmethod
    def rewrite(model: ov.Model) -> ov.Model:
        import nncf

        samples = [cv2.resize(p, (640, 640)).transpose(2, 0, 1)[None] for p in Quantised.pictures]
        floats = rewrite_floats(model, merge_heads)
        quantised: ov.Model = nncf.quantize(floats, nncf.Dataset(samples))
        return quantised


class OneShape(YuNet):
    """As shipped, but compiled for pictures of 640x480 alone."""

    @staticmethod
    def rewrite(model: ov.Model) -> ov.Model:
        rewritten = YuNet.rewrite(model)
        rewritten.reshape({0: [1, 3, 480, 640]})
        return rewritten


def rewrite_floats(model: ov.Model, make_head: Callable[[ov.Model, int], ov.Node]) -> ov.Model:
    """Rewrite YuNet as it ships, but for a first layer of floats and the heads that are given."""
    (given,) = model.get_parameters()
    (first,) = (target.get_node() for target in given.output(0).get_target_inputs())
    planes = ops.parameter(ov.PartialShape([1, 3, -1, -1]), np.uint8, "planes")
    weights = ops.constant(np.ascontiguousarray(read_weights(first)[:, ::-1]))
    floats = ops.convert(planes, "f32")
    joined = ops.convolution(floats, weights, [2, 2], [1, 1], [1, 1], [1, 1])
    for target in first.output(0).get_target_inputs():
        target.replace_source_output(joined.output(0))
    grids = [make_head(model, stride) for stride in STRIDES]
    return ov.Model([ops.result(grid) for grid in grids], [planes], "yunet")


def make_dense(model: ov.Model, stride: int) -> ov.Node:
    """Make one 3x3 convolution of a grid's merged head; at the border it differs a little."""
    deep, deep_bias = yunet.split_bias(merge_heads(model, stride))
    point, bias = yunet.split_bias(deep.input_value(0).get_node())
    depthwise = read_weights(deep)[:, 0]  # [6, 1, 3, 3]
    kernel = np.ascontiguousarray(depthwise * read_weights(point))  # [6, 64, 3, 3]
    shift = (deep_bias + bias * depthwise.sum(axis=(1, 2, 3))).reshape(1, -1, 1, 1)
    grid = ops.convolution(
        point.input_value(0), ops.constant(kernel), [1, 1], [1, 1], [1, 1], [1, 1]
    )
    return ops.add(grid, ops.constant(shift.astype(np.float32)))


@dataclass(frozen=True)
class Step:
    """One row of the ledger."""

    name: str
    verdict: str  # "reference", "kept", "setting", "no gain", "loses faces", ...
    load: Callable[[], Detector]
    one_shape: bool = False  # it takes pictures of 640x480 alone


def list_steps(yunet_file: Path, centerface_file: Path | None, blaze: Path | None) -> list[Step]:
    """List the steps in the order they were taken."""
    y, c = yunet_file, centerface_file

    def ship(side: int = 640, first: int = 0, precision: str | None = None) -> YuNet:
        return YuNet(y, side, YuNet.min_score, first, precision)

    steps = [
        Step("OpenVINO fp32 as it was", "reference", lambda: AsItWas(y, 640, 0.6)),
        Step("OpenCV as shipped before", "replaced", lambda: YuNetAsShipped(y, 640, 0.6)),
        Step("made smaller in two steps", "kept", lambda: Interleaved(y, 640, 0.6)),
        Step("bf16", "kept", lambda: Interleaved(y, 640, 0.6, "bf16")),
        Step("+ without points", "kept", lambda: WithoutPoints(y, 640, 0.6, "bf16")),
        Step("+ planes and one head a grid", "kept", lambda: FloatPlanes(y, 640, 0.6)),
        Step("+ first layer in bytes; from 0.57: ships", "kept", lambda: ship()),
        Step("ships where there is no bf16", "kept", lambda: ship(precision="f32")),
        Step(
            "ships compiled for one shape",
            "a compilation a shape",
            partial(OneShape, y, 640, 0.57),
            True,
        ),
        Step("heads as dense 3x3", "no gain", lambda: DenseHeads(y, 640, 0.6)),
        Step("int8 by NNCF", "loses faces", lambda: Quantised(y, 640, 0.57, 0, "f32")),
        *(Step(f"long side {s}", "loses faces", partial(ship, s)) for s in (512, 480, 320)),
        *(
            Step(f"first look {s}", verdict, partial(ship, 640, s))
            for s, verdict in ((384, "setting"), (320, "setting: fast"), (256, "loses faces"))
        ),
    ]
    if c:
        steps += [
            Step("OpenCV as before", "replaced", lambda: CenterFaceAsItWas(c, 640, 0.5)),
            Step("OpenVINO fp32", "kept", lambda: CenterFace(c, 640, 0.5, 0, "f32")),
            Step("OpenVINO bf16: ships", "kept", lambda: CenterFace(c, 640, 0.5)),
            Step("first look 320", "setting", lambda: CenterFace(c, 640, 0.5, 320)),
            Step("long side 320", "loses faces", lambda: CenterFace(c, 320, 0.5)),
        ]
    if blaze:
        steps += [
            Step(n, "loses faces", partial(BlazeFace, blaze / k.file, 0, 0.5))
            for n, k in KINDS.items()
        ]
    return steps
