"""Load any checkpoint of the public UNet shape, whatever its width or wrapper."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from predictor.unet import UNet

WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights")
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")


class CheckpointError(ValueError):
    """The file is no checkpoint that this UNet can take; the message says why."""


def load_unet(path: str | Path) -> UNet:
    """Read a checkpoint file and build the UNet that fits its tensors, in eval mode.

    Width, input channels, output maps, bilinear or transposed upsampling and
    convolution biases are read from the tensors. fp16 and bf16 become fp32.
    Raises CheckpointError with one sentence about what is wrong.
    """
    return build_unet(read_state(path))


def read_state(path: str | Path) -> dict[str, Tensor]:
    """Read the named tensors of a checkpoint file, free of wrappers and prefixes."""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is no checkpoint of plain tensors: save net.state_dict(), not the module."
        ) from error
    except Exception as error:
        raise CheckpointError(f"{path} is truncated or no torch checkpoint.") from error
    state = unwrap(content)
    if not state:
        raise CheckpointError(f"{path} holds no dictionary of named tensors.")
    return state


def unwrap(content: object) -> dict[str, Tensor]:
    """Return the state dictionary without the usual wrappers and name prefixes."""
    while isinstance(content, Mapping):
        inner = next((content[k] for k in WRAPPERS if isinstance(content.get(k), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping):
        return {}
    state = {str(k): v for k, v in content.items() if isinstance(v, Tensor)}
    while prefix := next(
        (p for p in PREFIXES if state and all(k.startswith(p) for k in state)), ""
    ):
        state = {k.removeprefix(prefix): v for k, v in state.items()}
    return state


def has_wide_ups(state: dict[str, Tensor]) -> bool:
    """Check whether the first convolution of a level up keeps half its inputs."""
    weight = state.get("up1.conv.double_conv.0.weight")
    return weight is not None and 2 * weight.shape[0] == weight.shape[1]


def build_unet(state: dict[str, Tensor]) -> UNet:
    """Build the UNet whose shape the tensors tell, loaded and in eval mode."""
    first, last = state.get("inc.double_conv.0.weight"), state.get("outc.conv.weight")
    if first is None or last is None or first.ndim != 4 or last.ndim != 4:
        raise CheckpointError(
            "The checkpoint is no UNet of the public shape: it lacks a convolution "
            "inc.double_conv.0.weight or outc.conv.weight."
        )
    net = UNet(
        n_channels=first.shape[1],
        n_classes=last.shape[0],
        bilinear="up1.up.weight" not in state,
        base_width=first.shape[0],
        wide_ups=has_wide_ups(state),
        conv_bias="inc.double_conv.0.bias" in state,
    )
    wanted = net.state_dict()
    for name, tensor in wanted.items():
        if name.endswith("num_batches_tracked"):
            state.setdefault(name, tensor)  # written by no framework but torch
    missing, extra = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    if missing or extra:
        what = f"lacks {missing[0]}" if missing else f"has an unknown tensor {extra[0]}"
        more = len(missing) + len(extra) - 1
        raise CheckpointError(
            f"The checkpoint {what}" + (f" and {more} more such." if more else ".")
        )
    for name, tensor in wanted.items():
        if state[name].shape != tensor.shape:
            raise CheckpointError(
                f"{name} has shape {list(state[name].shape)}, but width {net.base_width} "
                f"needs {list(tensor.shape)}."
            )
        if state[name].is_floating_point() and not torch.isfinite(state[name]).all():
            raise CheckpointError(f"{name} holds NaN or infinity.")
    net.load_state_dict(state)
    return net.eval()
