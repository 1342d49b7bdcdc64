"""The author's network as it is, in its own framework: what everything else is measured against."""

import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import openvino as ov

from predictor.convert.classes import choose_class
from predictor.declaration import DeclarationError
from predictor.decode import Floats
from predictor.folder import Source
from serving.cpus import count_cpus

if TYPE_CHECKING:
    import torch

Named = dict[str, Floats]


class TorchMissing(DeclarationError):
    """The network needs torch to be converted, and it is not installed."""


NEEDS_TORCH = (
    "{} needs torch to be converted, once: pip install -r requirements/convert.txt "
    "(serving needs none)."
)


class Author(Protocol):
    """A network that takes what its author fed it with."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Of its input, -1 for what is free; None where the file does not tell."""

    def call(self, faces: Floats) -> Named:
        """Run it, and name its outputs; raises whatever it raises."""

    def trace(self, names: list[str], example: Floats) -> ov.Model:
        """Bring it into OpenVINO with these of its outputs, in this order."""


class GraphAuthor:
    """A file of ONNX or TFLite, run by OpenVINO in fp32."""

    def __init__(self, path: Path):
        self.path = path
        core = ov.Core()
        try:
            self.model = core.read_model(path)
        except RuntimeError as error:
            line = str(error).strip().splitlines()[-1][:200]
            raise DeclarationError(f"{path} cannot be read: {line}") from None
        if len(self.model.inputs) != 1:
            raise DeclarationError(
                f"{path} has {len(self.model.inputs)} inputs; a network of faces has one."
            )
        partial = self.model.input(0).partial_shape
        self.shape: tuple[int, ...] | None = tuple(
            int(n.to_string()) if n.is_static else -1 for n in partial
        )
        self.compiled: dict[tuple[int, ...], Any] = {}

    def call(self, faces: Floats) -> Named:
        if faces.shape not in self.compiled:
            model = ov.Core().read_model(self.path)
            model.reshape(list(faces.shape))
            hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": count_cpus()}
            self.compiled = {faces.shape: ov.Core().compile_model(model, "CPU", hints)}
        compiled = self.compiled[faces.shape]
        found = compiled(faces.astype(compiled.input(0).get_element_type().to_dtype()))
        return {name: np.array(found[i], np.float32) for i, name in enumerate(self.name_outputs())}

    def name_outputs(self) -> list[str]:
        return [
            next(iter(sorted(output.names)), str(i)) for i, output in enumerate(self.model.outputs)
        ]

    def trace(self, names: list[str], example: Floats) -> ov.Model:
        known = self.name_outputs()
        outputs = [self.model.output(known.index(name)) for name in names]
        return ov.Model(outputs, self.model.get_parameters(), "network")


class TorchAuthor:
    """A module of torch: of a class, TorchScript or torch.export."""

    shape: tuple[int, ...] | None = None

    def __init__(self, module: "torch.nn.Module"):
        import torch

        torch.set_num_threads(count_cpus())
        self.module = module

    def call(self, faces: Floats) -> Named:
        import torch

        with torch.inference_mode():
            found = self.module(torch.from_numpy(np.ascontiguousarray(faces)))
        return {name: t.detach().float().numpy() for name, t in flatten(found).items()}

    def trace(self, names: list[str], example: Floats) -> ov.Model:
        import torch

        try:
            with torch.no_grad():
                return ov.convert_model(self.pick(names), example_input=torch.from_numpy(example))
        except Exception as error:
            raise DeclarationError(
                "OpenVINO cannot follow the network from its input to its output: "
                f"{tell(error)}. Export it to ONNX and name that file in model.json."
            ) from None

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
    """Load the network of a source, and say what was assumed.

    Raises DeclarationError or CheckpointError with one sentence.
    """
    if source.kind in ("onnx", "tflite"):
        assert source.network is not None
        return GraphAuthor(source.network), []
    if importlib.util.find_spec("torch") is None:
        raise TorchMissing(NEEDS_TORCH.format(source.path))
    module, said = load_module(source)
    return TorchAuthor(module), said


def load_module(source: Source) -> tuple["torch.nn.Module", list[str]]:
    """Load a source's module of torch, in eval mode."""
    import torch

    from predictor.checkpoint import load_unet, load_weights

    if source.kind == "code":
        assert source.network is not None and source.weights is not None
        code = run_code(source.network)
        make, said = choose_class(code, source)
        try:
            net = make(**source.declaration.arguments)
        except TypeError as error:
            needed = [
                name
                for name, p in inspect.signature(make).parameters.items()
                if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
            ]
            raise DeclarationError(
                f"{make.__name__}({', '.join(source.declaration.arguments)}) of "
                f"{source.network.name} cannot be made: {error}. It takes {', '.join(needed)}: "
                'say so in model.json, as in "arguments": {"n_channels": 1}.'
            ) from None
        except Exception as error:
            raise DeclarationError(
                f"{make.__name__} of {source.network.name} raises {tell(error)}."
            ) from None
        if not isinstance(net, torch.nn.Module):
            raise DeclarationError(
                f"{make.__name__} of {source.network.name} makes a {type(net).__name__}, not a "
                "torch.nn.Module: name the network's class in model.json."
            )
        load_weights(net, source.weights)
        return net.float().eval(), said
    if source.kind == "torchscript":
        return torch.jit.load(str(source.network), map_location="cpu").float().eval(), []
    if source.kind == "export":
        return torch.export.load(str(source.network)).module(), []
    assert source.weights is not None
    return load_unet(source.weights), []


def run_code(path: Path) -> Any:
    """Import the author's file, with its folder as the place of its own imports."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    code = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = code
    sys.path.insert(0, str(path.parent.resolve()))
    given, sys.argv = sys.argv, [str(path)]  # a file that reads its own command line has none
    try:
        spec.loader.exec_module(code)
    except (Exception, SystemExit) as error:
        raise DeclarationError(f"{path} cannot be imported: {tell(error)}.") from None
    finally:
        sys.argv = given
    return code


def tell(error: BaseException) -> str:
    """Write an exception as a clause, without a full stop."""
    line = (str(error).strip().splitlines() or [""])[0][:300].rstrip(".")
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
