"""The author's network as it is, in its own framework: what everything else is measured against."""

import contextlib
import importlib.util
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov

from predictor.convert.code import load_module, tell
from predictor.declaration import DeclarationError
from predictor.decode import Floats
from predictor.folder import Source
from serving.cpus import count_cpus

if TYPE_CHECKING:
    import torch

Named = dict[str, Floats]


class TorchMissing(DeclarationError):
    """The network needs torch to be converted, and it is not installed."""


class GraphAuthor:
    """A file of ONNX or TFLite, run by OpenVINO in fp32.

    `shape` is its input's, -1 for what is free; `whole` whether it takes whole numbers.
    """

    def __init__(self, path: Path):
        self.path = path
        core = ov.Core()
        try:
            self.model = core.read_model(path)
        except RuntimeError as error:
            line = str(error).strip().splitlines()[-1][:200]
            raise DeclarationError(f"{path} cannot be read: {line}") from None
        if len(self.model.inputs) != 1:
            text = f"{path} has {len(self.model.inputs)} inputs; a network of faces has one."
            raise DeclarationError(text)
        partial = self.model.input(0).partial_shape
        self.shape = tuple(int(n.to_string()) if n.is_static else -1 for n in partial)
        self.whole = self.model.input(0).get_element_type().is_integral()
        outputs = enumerate(self.model.outputs)
        self.names = [min(output.names, default=str(i)) for i, output in outputs]
        self.compiled: dict[tuple[int, ...], Any] = {}

    def call(self, faces: Floats) -> Named:
        """Run it, and name its outputs; raises whatever it raises."""
        if faces.shape not in self.compiled:
            model = ov.Core().read_model(self.path)
            model.reshape(list(faces.shape))
            hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": count_cpus()}
            self.compiled = {faces.shape: ov.Core().compile_model(model, "CPU", hints)}
        compiled = self.compiled[faces.shape]
        faces = np.rint(faces) if self.whole else faces
        found = compiled(faces.astype(compiled.input(0).get_element_type().to_dtype()))
        return {name: np.array(found[i], np.float32) for i, name in enumerate(self.names)}

    def trace(self, names: list[str], example: Floats) -> ov.Model:
        """Bring it into OpenVINO with these of its outputs, in this order."""
        outputs = [self.model.output(self.names.index(name)) for name in names]
        return ov.Model(outputs, self.model.get_parameters(), "network")


class TorchAuthor:
    """A module of torch: of a class, TorchScript or torch.export; what shape it takes is tried."""

    shape: tuple[int, ...] | None = None
    whole = False

    def __init__(self, module: "torch.nn.Module"):
        import torch

        torch.set_num_threads(count_cpus())
        self.module = module

    def call(self, faces: Floats) -> Named:
        import torch

        with torch.inference_mode():
            found = self.module(torch.from_numpy(np.array(faces, order="C")))  # it may change it
        return {name: t.detach().float().numpy() for name, t in flatten(found).items()}

    def trace(self, names: list[str], example: Floats) -> ov.Model:
        import torch

        net, faces = self.pick(names), torch.from_numpy(example)
        try:
            with torch.no_grad():
                return ov.convert_model(net, example_input=faces)
        except Exception as error:
            if isinstance(self.module, torch.jit.ScriptModule):
                with contextlib.suppress(Exception):
                    return self.trace_script(names, faces)
            raise DeclarationError(
                "OpenVINO cannot follow the network from its input to its output: "
                f"{tell(error)}. Export it to ONNX and name that file in model.json."
            ) from None

    def trace_script(self, names: list[str], faces: "torch.Tensor") -> ov.Model:
        """Bring TorchScript with branches into OpenVINO, by way of ONNX."""
        import torch

        order = list(flatten(self.module(faces)))
        with tempfile.TemporaryDirectory() as folder:
            path, axes = f"{folder}/net.onnx", {"face": {0: "n"}}
            ends: dict[str, Any] = {"input_names": ["face"], "dynamic_axes": axes}
            torch.onnx.export(self.module, (faces,), path, dynamo=False, **ends)
            model = ov.Core().read_model(path)
        outputs = [model.output(order.index(name)) for name in names]
        return ov.Model(outputs, model.get_parameters(), "network")

    def pick(self, names: list[str]) -> "torch.nn.Module":
        """Make a module that gives these outputs alone."""
        import torch

        class Picked(torch.nn.Module):
            def __init__(self, module: torch.nn.Module):
                super().__init__()
                self.module = module

            def forward(self, face: torch.Tensor) -> Any:
                found = flatten(self.module(face))
                picked = tuple(found[name] for name in names)
                return picked if len(picked) > 1 else picked[0]

            def train(self, mode: bool = False) -> "Picked":
                return self  # it is in eval mode; a program of torch.export can't be asked

        picked = Picked(self.module)
        picked.training = False
        return picked


Author = GraphAuthor | TorchAuthor


def flatten(found: Any, prefix: str = "") -> dict[str, "torch.Tensor"]:
    """Name the tensors in whatever a network returns: by key or position, nested ones with dots."""
    if hasattr(found, "detach"):
        return {prefix or "0": found}
    if hasattr(found, "_asdict"):
        found = found._asdict()
    elif hasattr(found, "__dataclass_fields__"):
        found = vars(found)
    if isinstance(found, Mapping):
        pairs = [(str(key), value) for key, value in found.items()]
    elif isinstance(found, list | tuple):
        pairs = [(str(i), value) for i, value in enumerate(found)]
    else:
        return {}
    named: dict[str, Any] = {}
    for key, value in pairs:
        named |= flatten(value, f"{prefix}.{key}" if prefix else key)
    return named


def load_author(source: Source) -> tuple[Author, list[str]]:
    """Load a source's network, and say what was assumed; raises Declaration- or CheckpointError."""
    if source.kind in ("onnx", "tflite"):
        assert source.network is not None
        return GraphAuthor(source.network), []
    if importlib.util.find_spec("torch") is None:
        raise TorchMissing(
            f"{source.path} needs torch to be converted, once: pip install -r "
            "requirements/convert.txt (serving needs none)."
        )
    module, said = load_module(source)
    return TorchAuthor(module), said
