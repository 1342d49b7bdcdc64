"""The ledger on a card: each technique at each batch, its memory, its share of the card's peak."""

import copy
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from predictor.engines.reference import load_reference
from predictor.engines.torch_steps import fold_norms, order_channels_last

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS, DRY_SECONDS = 0.5, 0.02  # a row is timed for
SIDE, DRY_SIDE = 8192, 512  # of the matrices whose product is the peak
KINDS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
TECHNIQUES = {  # name -> number type, and what is done to the network
    "eager fp32": ("fp32", ()),
    "channels last, folded": ("fp32", ("last",)),
    "fp16": ("fp16", ()),
    "bf16": ("bf16", ()),
    "fp16, channels last, folded": ("fp16", ("last",)),
    "bf16, channels last, folded": ("bf16", ("last",)),
    "bf16, compiled": ("bf16", ("last", "compile")),
    "fp16, CUDA graph": ("fp16", ("last", "graph")),
    "bf16, CUDA graph": ("bf16", ("last", "graph")),
    "bf16, compiled, CUDA graph": ("bf16", ("last", "compile", "graph")),
}
CARD_ONLY = {"compile", "graph", "fp16"}  # what a dry run leaves out; fp16 takes seconds there

Forward = Callable[[Tensor], Tensor]


def synchronize(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def time_runs(work: Callable[[], object], device: str) -> float:
    """Give the seconds of a run, of as many as fill the time."""
    for _ in range(3 if device == "cuda" else 1):
        work()
    synchronize(device)
    limit, runs, begun = SECONDS if device == "cuda" else DRY_SECONDS, 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < limit or not runs:
        for _ in range(5 if device == "cuda" else 1):
            work()
            runs += 1
        synchronize(device)
    return passed / runs


def measure_peaks(device: str) -> dict[str, float]:
    """Measure the 1e12 operations a second of a matrix product, a multiplication being one."""
    side, peaks = SIDE if device == "cuda" else DRY_SIDE, {}
    for name, kind in KINDS.items():
        if device == "cpu" and name in CARD_ONLY:
            continue
        a = torch.randn(side, side, device=device).to(kind)
        seconds = time_runs(lambda a=a: a @ a, device)  # type: ignore[misc]
        peaks[name] = round(2 * side**3 / seconds / 1e12, 3)
    return peaks


def count_flops(net: nn.Module, face: Tensor) -> int:
    """Count the operations of one face."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        net(face)
    return counter.get_total_flops()


def build(net: nn.Module, kind: torch.dtype, steps: tuple[str, ...], faces: Tensor) -> Forward:
    """Prepare a technique for faces of this batch."""
    net = copy.deepcopy(net)
    if "last" in steps:
        net = order_channels_last(fold_norms(net))
        faces = faces.contiguous(memory_format=torch.channels_last)
    net = net.to(faces.device, kind)
    forward: Forward = torch.compile(net, dynamic=False) if "compile" in steps else net
    return capture(forward, faces) if "graph" in steps else forward


def capture(forward: Forward, faces: Tensor) -> Forward:
    """Capture the work on one batch in a CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            forward(faces)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = forward(faces)

    def replay(_: Tensor) -> Tensor:
        graph.replay()
        return out

    return replay


def measure_speed(checkpoint: Path, device: str) -> list[dict]:
    """Time each technique at each batch: faces lie on the card, heatmaps stay there."""
    net = load_reference(checkpoint).net
    golden = torch.from_numpy(np.load("predictor/golden_face.npy")) / 255  # [1, 1, S, S]
    flops = count_flops(net, golden)
    rows = []
    for batch in BATCHES if device == "cuda" else (1, 2):
        for name, (number, steps) in TECHNIQUES.items():
            row: dict = {"technique": name, "batch": batch, "numbers": number}
            if device == "cpu" and CARD_ONLY & {number, *steps}:
                continue
            try:
                row |= time_technique(net, golden, batch, KINDS[number], steps, device)
            except Exception as error:  # one that a machine can't build must not end the rest
                row["failed"] = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
            else:
                row["tflops"] = round(flops * row["faces_a_second"] / 1e12, 3)
            rows.append(row)
    return rows


def time_technique(
    net: nn.Module, golden: Tensor, batch: int, kind: torch.dtype, steps: tuple, device: str
) -> dict:
    """Time one technique and note the most memory that it took on the card, in MiB."""
    faces = golden.repeat(batch, 1, 1, 1).to(device, kind)  # [N, 1, S, S]
    memory = None
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with torch.inference_mode():
        forward = build(net, kind, steps, faces)
        seconds = time_runs(lambda: forward(faces), device)
    if device == "cuda":
        memory = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return {
        "ms": round(1000 * seconds, 4),
        "faces_a_second": round(batch / seconds, 1),
        "peak_mib": memory,
    }
