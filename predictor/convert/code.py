"""Load a network of torch: from code, TorchScript, torch.export or a bare checkpoint."""

import importlib.util
import inspect
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from predictor.declaration import DeclarationError
from predictor.folder import Source

if TYPE_CHECKING:
    import torch

PACKAGE = (
    "author"  # what the author's file is a module of: `from .parts import Up` finds its folder
)


def load_module(source: Source) -> tuple["torch.nn.Module", list[str]]:
    """Load a source's module of torch, in eval mode."""
    import torch

    from predictor.checkpoint import load_unet, load_weights

    os.environ["TORCHDYNAMO_DISABLE"] = "1"  # what @torch.compile made can't be traced
    if source.kind == "code":
        assert source.network is not None and source.weights is not None
        code = run_code(source.network, source.root)
        make, said = choose_class(code, source)
        try:
            net = make(**source.declaration.arguments)
        except TypeError as error:
            known = inspect.signature(make).parameters.items()
            needed = [n for n, p in known if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
            raise DeclarationError(
                f"{make.__name__}({', '.join(source.declaration.arguments)}) of "
                f"{source.network.name} cannot be made: {error}. It takes {', '.join(needed)}: "
                'say so in model.json, as in "arguments": {"n_channels": 1}.'
            ) from None
        except Exception as error:
            text = f"{make.__name__} of {source.network.name} raises {tell(error)}."
            raise DeclarationError(text) from None
        if not isinstance(net, torch.nn.Module):
            raise DeclarationError(
                f"{make.__name__} of {source.network.name} makes a {type(net).__name__}, not a "
                "torch.nn.Module: name the network's class in model.json."
            )
        said += load_weights(net, source.weights, source.part)
        return net.float().eval(), said
    if source.kind == "torchscript":
        return torch.jit.load(str(source.network), map_location="cpu").float().eval(), []
    if source.kind == "export":
        return torch.export.load(str(source.network)).module(), []
    assert source.weights is not None
    net = load_unet(source.weights)
    return net, load_weights(net, source.weights, source.part)


def run_code(path: Path, root: Path) -> Any:
    """Import the author's file, whose own imports lie in its folder or the model's, `root`."""
    spec = importlib.util.spec_from_file_location(f"{PACKAGE}.{path.stem}", path)
    assert spec and spec.loader
    code = importlib.util.module_from_spec(spec)
    package = types.ModuleType(PACKAGE)
    package.__path__ = [str(path.parent.resolve())]
    sys.modules |= {PACKAGE: package, spec.name: code}
    sys.path[:0] = [*package.__path__, str(root.resolve())]
    given, sys.argv = sys.argv, [str(path)]  # a file that reads its own command line has none
    try:
        spec.loader.exec_module(code)
    except ModuleNotFoundError as error:
        name = str(error.name).removeprefix(f"{PACKAGE}.")
        raise DeclarationError(
            f"{path} imports {name}, which is not there: put its file beside it, or install the "
            "package for the conversion (serving needs none)."
        ) from None
    except (Exception, SystemExit) as error:
        raise DeclarationError(f"{path} cannot be imported: {tell(error)}.") from None
    finally:
        sys.argv = given
    return code


def tell(error: BaseException) -> str:
    """Write an exception as a clause, without a full stop."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = (line for line in lines if line and not line.startswith("Exception from"))  # OpenVINO's
    line = next(told, "")[:300].rstrip(".")
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def choose_class(code: Any, source: Source) -> tuple[Callable[..., Any], list[str]]:
    """Choose the class, or function that makes the network, and say what was assumed.

    It is the one that model.json names, else `UNet`, else the only one, else the only one whose
    tensors have the checkpoint's names. Raises DeclarationError with the names there are.
    """
    assert source.network is not None
    found = list_classes(code)
    if source.name:
        make = getattr(code, source.name, None)
        if not callable(make) or not hasattr(make, "__name__"):  # an instance has none
            names = ", ".join(found) or "no network"
            text = f"{source.network.name} has no class {source.name}; it has {names}."
            raise DeclarationError(text)
        return make, []
    if inspect.isclass(getattr(code, "UNet", None)):  # also one that the file imports
        return code.UNet, []
    fitting = found if len(found) == 1 else find_fitting(found, source)
    if len(fitting) == 1:
        name, make = next(iter(fitting.items()))
        return make, [f'The class {name} is taken: "network": "{source.network.name}:{name}".']
    if not found:
        raise DeclarationError(f"{source.network.name} defines no torch.nn.Module.")
    raise DeclarationError(
        f"{source.network.name} has the classes {', '.join(found)}: name the network in "
        f'model.json, as in "network": "{source.network.name}:{list(found)[-1]}".'
    )


def list_classes(code: Any) -> dict[str, Callable[..., Any]]:
    """List the modules of torch that the file itself defines, by name."""
    import torch

    return {
        name: value
        for name, value in vars(code).items()
        if inspect.isclass(value)
        and issubclass(value, torch.nn.Module)
        and value.__module__ == code.__name__
    }


def find_fitting(found: dict[str, Callable[..., Any]], source: Source) -> dict[str, Any]:
    """Find the classes that can be made and whose tensors the checkpoint has."""
    from predictor.checkpoint import load_weights

    assert source.weights is not None
    fitting = {}
    for name, make in found.items():
        try:
            load_weights(make(**source.declaration.arguments), source.weights, source.part)
        except Exception:  # it does not fit, or is a block that needs arguments
            continue
        fitting[name] = make
    return fitting
