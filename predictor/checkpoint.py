"""Read checkpoints as torch's users write them, and fit their tensors to a network."""

import argparse
import collections
import pathlib
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from predictor.unet import UNet

# Where the network's tensors lie, in this order, if a file has several that fit.
WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "params", "weights")
LOOSE = {"n_averaged", "loss", "loss_fn", "criterion", "metric", "metrics"}  # beside a network
# Plain data that people store beside weights. torch.load refuses all else, and runs none of it.
DATA = [
    argparse.Namespace,
    collections.OrderedDict,
    collections.defaultdict,
    pathlib.PosixPath,
    pathlib.PurePosixPath,
    np.dtype,
    np.ndarray,
    np._core.multiarray.scalar,  # type: ignore[attr-defined]
    np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
    *(type(np.dtype(name)) for name in ("f2", "f4", "f8", "i4", "i8", "u1", "bool")),
]
FIRST, LAST = "inc.double_conv.0.weight", "outc.conv.weight"
NO_UNET = (
    "The checkpoint does not have the names of predictor/unet.py, so it needs its code: put your "
    "model.py with the class beside it, in a folder of their own, and name that folder."
)


class CheckpointError(ValueError):
    """The file has no tensors that fit; the message is one sentence that says why."""


def load_unet(path: str | Path) -> UNet:
    """Read a bare checkpoint and build the UNet that fits its tensors, in eval mode.

    Width, input channels, output maps, bilinear or transposed upsampling and convolution
    biases are read from the tensors. fp16 and bf16 become fp32. Raises CheckpointError.
    """
    return build_unet(read_state(path))


def read_state(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a bare checkpoint under the names of predictor/unet.py."""
    for state in list_states(read_content(Path(path))):
        for name in state:
            if name.endswith(FIRST):
                return cut_prefix(state, name.removesuffix(FIRST))
    raise CheckpointError(NO_UNET)


def load_weights(net: nn.Module, path: Path) -> None:
    """Load a checkpoint into a network, strictly; raises CheckpointError with what doesn't fit."""
    state = fit_state(read_content(path), net.state_dict())
    load_state(net, state, f"{path.name} does not fit the network")


def read_content(path: Path) -> Any:
    """Load what a file holds, as data alone; raises CheckpointError."""
    if path.suffix == ".safetensors" or path.read_bytes()[8:9] == b"{":
        from safetensors.torch import load_file

        return load_file(path)
    try:
        with torch.serialization.safe_globals(DATA):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds objects and not only data ({name_object(error)}): "
            "save net.state_dict(), not the module."
        ) from None
    except Exception:
        raise CheckpointError(f"{path} is truncated or not a valid checkpoint.") from None


def name_object(error: Exception) -> str:
    """Name the class that torch refused to load."""
    words = [word.strip("`,.") for word in str(error).split() if "." in word.strip("`,.")]
    return next((word for word in words if not word.startswith(("torch.", "http"))), "a class")


def list_states(content: Any) -> Iterator[dict[str, Tensor]]:
    """List the dictionaries of named tensors in a file, the usual places first."""
    if not isinstance(content, Mapping):
        return
    tensors = {str(k): v for k, v in content.items() if isinstance(v, Tensor)}
    inner = [key for key, value in content.items() if isinstance(value, Mapping)]
    inner.sort(key=lambda key: WRAPPERS.index(key) if key in WRAPPERS else len(WRAPPERS))
    for key in inner:
        yield from list_states(content[key])
    if tensors:
        yield tensors


def fit_state(content: Any, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Find the tensors whose names, after one common prefix, cover most of the wanted ones."""
    best: dict[str, Tensor] = {}
    for state in list_states(content):
        prefixes = {k.removesuffix(w) for w in list(wanted)[:1] for k in state if k.endswith(w)}
        for prefix in {"", *prefixes}:
            found = cut_prefix(state, prefix)
            if len(wanted.keys() & found.keys()) > len(wanted.keys() & best.keys()) or not best:
                best = found
    if not best:
        raise CheckpointError("The checkpoint holds no dictionary of named tensors.")
    return best


def cut_prefix(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Keep the tensors under a prefix, without it and without what belongs to training."""
    found = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    return {name: tensor for name, tensor in found.items() if name.split(".")[0] not in LOOSE}


def build_unet(state: dict[str, Tensor]) -> UNet:
    """Build the UNet whose shape the tensors tell, loaded and in eval mode."""
    first, last = state.get(FIRST), state.get(LAST)
    if first is None or last is None or first.ndim != 4 or last.ndim != 4:
        raise CheckpointError(NO_UNET)
    wide = state.get("up1.conv.double_conv.0.weight")
    net = UNet(
        n_channels=first.shape[1],
        n_classes=last.shape[0],
        bilinear="up1.up.weight" not in state,
        base_width=first.shape[0],
        wide_ups=wide is not None and 2 * wide.shape[0] == wide.shape[1],
        conv_bias="inc.double_conv.0.bias" in state,
    )
    try:
        load_state(net, state, "The checkpoint does not fit predictor/unet.py")
    except CheckpointError as error:
        raise CheckpointError(f"{error} {NO_UNET.partition(', so ')[2].capitalize()}") from None
    return net.eval()


def load_state(net: nn.Module, state: dict[str, Tensor], what: str) -> None:
    """Load tensors; raises CheckpointError with the first missing, extra or differing one."""
    wanted = net.state_dict()
    for name, tensor in wanted.items():
        if name.endswith("num_batches_tracked"):
            state.setdefault(name, tensor)  # of no framework but torch
    missing = [name for name in wanted if name not in state]
    extra = [name for name in state if name not in wanted]
    parts = []
    for names, word in ((missing, "lacks"), (extra, "has besides")):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            parts.append(f"it {word} {names[0]}{more}")
    for name in [] if parts else wanted:
        ours, theirs = list(wanted[name].shape), list(state[name].shape)
        if ours != theirs:
            parts = [f"{name} has the shape {theirs}, the network's has {ours}"]
            break
        if not torch.isfinite(state[name].float()).all():
            parts = [f"{name} has values that are NaN or infinite"]
            break
    if parts:
        raise CheckpointError(f"{what}: {'; '.join(parts)}.")
    net.load_state_dict(state)
