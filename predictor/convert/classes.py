"""Choose the network's class among those that the author's file defines."""

import inspect
from collections.abc import Callable
from typing import Any

from predictor.declaration import DeclarationError
from predictor.folder import Source


def choose_class(code: Any, source: Source) -> tuple[Callable[..., Any], list[str]]:
    """Choose the class, or function that makes the network, and say what was assumed.

    It is the one that model.json names, else `UNet`, else the only one, else the only one whose
    tensors have the checkpoint's names. Raises DeclarationError with the names there are.
    """
    assert source.network is not None
    found = list_classes(code)
    if source.name:
        make = getattr(code, source.name, None)
        if not callable(make):
            names = ", ".join(found) or "no network"
            raise DeclarationError(
                f"{source.network.name} has no class {source.name}; it has {names}."
            )
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
        f'model.json, as in "network": "{source.network.name}:{next(iter(found))}".'
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
            load_weights(make(**source.declaration.arguments), source.weights)
        except Exception:  # it does not fit, or is a block that needs arguments
            continue
        fitting[name] = make
    return fitting
