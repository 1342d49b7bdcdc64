"""The author's network as a graph of OpenVINO: `face` [N,C,H,W] FP32 0..1 -> points' values."""

from dataclasses import replace

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from predictor.convert.author import Author
from predictor.convert.settle import Plan
from predictor.declaration import DeclarationError
from predictor.decode import Floats


def build_graph(author: Author, plan: Plan, said: list[str]) -> tuple[ov.Model, Plan]:
    """Convert the network with all that the declaration says of its input and output inside.

    A network of one face at a time is made one of any number where it then still gives the same.
    """
    names = [plan.pick, *([plan.score] if plan.score else [])]
    faces = plan.batch or 2
    example = plan.prepare(np.full((faces, plan.channels, *plan.size), 0.5, np.float32))
    traced = author.trace(names, example)
    if plan.batch:
        model = finish_graph(traced.clone(), plan, -1)
        if model is not None and is_free(model, plan):
            made = "its graph was made to take any number"
            said.append(f"The network takes one face at a time; {made}.")
            return model, replace(plan, batch=0)
        said.append("The network takes one face at a time, and so it is served.")
    model = finish_graph(traced, plan, plan.batch or -1)
    if model is None:
        raise DeclarationError(
            "The network's answer does not follow from its input: a step of it leaves torch, "
            "as one through NumPy does."
        )
    return model, plan


def finish_graph(model: ov.Model, plan: Plan, batch: int) -> ov.Model | None:
    """Put preparation before and reading after the graph; None where it takes no such batch."""
    try:
        height, width = plan.size
        last = plan.layout == "NHWC"
        shape = [height, width, plan.channels] if last else [plan.channels, height, width]
        model.reshape([batch, *shape])
        model = prepare_input(model, plan)
        model = read_outputs(model, plan)
        model.validate_nodes_and_infer_types()
        if batch == -1 and model.output(0).partial_shape[0].is_static:
            return None
        return model
    except RuntimeError:
        if batch == -1 and plan.batch:
            return None
        raise


def prepare_input(model: ov.Model, plan: Plan) -> ov.Model:
    """Scale, order and lay out the face as the network takes it; nothing where it is so already."""
    steps = ov.preprocess.PrePostProcessor(model)
    face = steps.input(0)
    face.tensor().set_element_type(ov.Type.f32).set_layout(ov.Layout("NCHW"))
    face.model().set_layout(ov.Layout(plan.layout))
    if plan.color == "bgr":
        face.preprocess().reverse_channels()
    if np.any(plan.scale != 1) or np.any(plan.shift != 0):
        # x * scale + shift = (x - mean) / divisor
        face.preprocess().mean([float(v) for v in -plan.shift / plan.scale])
        face.preprocess().scale([float(v) for v in 1 / plan.scale])
    if model.input(0).get_element_type().is_integral():  # a conversion would cut off
        face.preprocess().custom(lambda node: ops.round(node, "half_to_even").output(0))
    model = steps.build()
    model.input(0).get_tensor().set_names({"face"})
    return model


def read_outputs(model: ov.Model, plan: Plan) -> ov.Model:
    """Leave one output: heatmaps `[N,K,h,w]`, or coordinates `[N,K,2|3]` with their score."""
    node = ops.convert(model.output(0).get_node().input_value(0), "f32")
    if plan.reader.kind == "coordinates":
        shape = model.output(0).partial_shape
        each = int(np.prod([int(n.to_string()) for n in list(shape)[1:]])) // plan.points
        rows = [each, plan.points] if plan.swap else [plan.points, each]
        node = ops.reshape(node, np.array([-1, *rows]), special_zero=False)
        node = ops.transpose(node, np.array([0, 2, 1])) if plan.swap else node
        node = cut(node, 0, 2, 2)
        if plan.score:
            score = ops.convert(model.output(1).get_node().input_value(0), "f32")
            number = model.output(1).partial_shape
            own = int(np.prod([int(n.to_string()) for n in list(number)[1:]])) == plan.points
            own_shape = np.array([-1, plan.points if own else 1, 1])
            score = ops.reshape(score, own_shape, special_zero=False)
            score = ops.sigmoid(score) if plan.score_sigmoid else score
            if not own:
                score = ops.tile(score, np.array([1, plan.points, 1]))
            node = ops.concat([node, score], 2)
    else:
        if plan.stack:
            stacked = int(list(model.output(0).partial_shape)[1].to_string())
            node = ops.squeeze(cut(node, stacked - 1, stacked, 1), np.array([1]))
        if plan.swap:
            node = ops.transpose(node, np.array([0, 3, 1, 2]))
        if plan.sigmoid:
            node = ops.sigmoid(node)
    result = ops.result(node)
    result.get_output_tensor(0).set_names({plan.reader.kind})
    return ov.Model([result], model.get_parameters(), "network")


def cut(node: ov.Node, start: int, stop: int, axis: int) -> ov.Node:
    one = np.array([1], np.int64)
    return ops.slice(node, np.array([start]), np.array([stop]), one, np.array([axis], np.int64))


def is_free(model: ov.Model, plan: Plan) -> bool:
    """Check that a graph gives two faces together what it gives each alone."""
    compiled = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    faces = np.random.default_rng(0).random((2, plan.channels, *plan.size), np.float32)
    try:
        both = np.array(compiled(faces)[0])
        alone = np.concatenate([np.array(compiled(faces[i : i + 1])[0]) for i in (0, 1)])
    except RuntimeError:
        return False
    return both.shape == alone.shape and bool(np.allclose(both, alone, rtol=1e-3, atol=1e-5))


def run_graph(model: ov.Model, faces: Floats, batch: int = 8) -> Floats:
    """Run a graph in fp32 on faces `[N,C,H,W]`, some at a time."""
    compiled = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    parts = [np.array(compiled(faces[i : i + batch])[0]) for i in range(0, len(faces), batch)]
    return np.concatenate(parts)
