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
UPS = [f"up{n}.conv" for n in (1, 2, 3, 4)]
BLOCKS = ["inc", *(f"down{n}.maxpool_conv.1" for n in (1, 2, 3, 4)), *UPS]  # double convolutions
NO_UNET = (
    "The checkpoint does not have the names of predictor/unet.py, so it needs its code: put your "
    "model.py with the class beside it, in a folder of their own, and name that folder."
)


class CheckpointError(ValueError):
    """The file has no tensors that fit; the message is one sentence that says why."""


def load_unet(path: str | Path) -> UNet:
    """Read a bare checkpoint and build the UNet that fits its tensors, in eval mode.

    Widths, input channels, output maps, bilinear or transposed upsampling and convolution
    biases are read from the tensors. fp16 and bf16 become fp32. Raises CheckpointError.
    """
    return build_unet(read_state(path))


def read_state(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a bare checkpoint under the names of predictor/unet.py."""
    for _, state in list_states(read_content(Path(path))):
        for name in state:
            if name.endswith(FIRST):
                return cut_prefix(state, name.removesuffix(FIRST))
    raise CheckpointError(NO_UNET)


def load_weights(net: nn.Module, path: Path, part: str = "") -> list[str]:
    """Load a checkpoint, or the `part` of it, into a network, strictly, and say what was assumed.

    Raises CheckpointError with what doesn't fit.
    """
    states = fit_states(read_content(path), net.state_dict(), part)
    (name, state), *others = states.items()
    load_state(net, state, f"{path.name} does not fit the network")
    differing = [other for other, beside in others if differ(state, beside)]
    if not differing:
        return []
    other = f'"weights": "{path.name}:{differing[0]}" takes the other'
    return [f"{path.name} has the network's tensors as {name} and {differing[0]}: {other}."]


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
    words = (word.strip("`,.") for word in str(error).split())
    names = (word for word in words if "." in word and word[0].isalpha())  # and not a release
    return next((word for word in names if not word.startswith(("torch.", "http"))), "a class")


def list_states(content: Any, place: str = "") -> Iterator[tuple[str, dict[str, Tensor]]]:
    """List the dictionaries of named tensors in a file by their places, the usual ones first."""
    if isinstance(content, list | tuple):  # as [epoch, net.state_dict()]
        content = dict(enumerate(content))
    if not isinstance(content, Mapping):
        return
    tensors = {str(k): v for k, v in content.items() if isinstance(v, Tensor)}
    inner = [key for key, value in content.items() if isinstance(value, Mapping | list | tuple)]
    inner.sort(key=lambda key: WRAPPERS.index(key) if key in WRAPPERS else len(WRAPPERS))
    for key in inner:
        yield from list_states(content[key], f"{place}{key}.")
    if tensors:
        yield place, tensors


def fit_states(
    content: Any, wanted: Mapping[str, Tensor], part: str
) -> dict[str, dict[str, Tensor]]:
    """Find the tensors whose names, after one common prefix, cover most of the wanted ones.

    By their places; several where a file has, say, an average beside them.
    """
    found: dict[str, dict[str, Tensor]] = {}
    for place, state in list_states(content):
        prefixes = {k.removesuffix(w) for w in list(wanted)[:1] for k in state if k.endswith(w)}
        for prefix in sorted({"", *prefixes}):
            found.setdefault(f"{place}{prefix}".rstrip("."), cut_prefix(state, prefix))
    if part and part not in found:
        places = ", ".join(filter(None, found)) or "nothing by name"
        raise CheckpointError(f"The checkpoint has no part {part}; it has {places}.")
    if not found:
        raise CheckpointError(
            "The checkpoint holds no dictionary of named tensors: save net.state_dict()."
        )
    found = {part: found[part]} if part else found
    counts = {place: len(wanted.keys() & state.keys()) for place, state in found.items()}
    return {p: state for p, state in found.items() if counts[p] == max(counts.values())}


def differ(state: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return any(not torch.equal(state[name], other[name]) for name in state.keys() & other.keys())


def cut_prefix(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Keep the tensors under a prefix, without it and without what belongs to training."""
    found = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    return {name: tensor for name, tensor in found.items() if name.split(".")[0] not in LOOSE}


def build_unet(state: dict[str, Tensor]) -> UNet:
    """Build the UNet whose shape the tensors tell, loaded and in eval mode."""
    first, last = state.get(FIRST), state.get(LAST)
    if first is None or last is None or first.ndim != 4 or last.ndim != 4:
        raise CheckpointError(NO_UNET)

    def read_shape(block: str, place: int) -> tuple[int, ...]:
        tensor = state.get(f"{block}.double_conv.{place}.weight")
        return (1, 1) if tensor is None or tensor.ndim != 4 else tuple(tensor.shape)

    firsts = [read_shape(up, 0) for up in UPS]
    net = UNet(
        n_channels=first.shape[1],
        n_classes=last.shape[0],
        bilinear="up1.up.weight" not in state,
        wide_ups=all(outputs == inputs // 2 for outputs, inputs, *_ in firsts),
        conv_bias="inc.double_conv.0.bias" in state,
        widths=[read_shape(block, 3)[0] for block in BLOCKS],
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
