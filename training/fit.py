"""The training loop that train and distil share, and its command line."""

import json
import math
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, update_bn

from predictor.checkpoint import load_unet
from predictor.unet import UNet
from tools.command import command
from training import DataError
from training.batches import Batches, describe_sets, read_share, share_chances
from training.evaluate import measure_faces, wrap_network
from training.faces import FaceDataset, choose_landmarks, read_faces
from training.index import FOLDERS, TRAINED, hold_out, read_rows
from training.loss import measure_loss
from training.widen import widen_unet

REPORT = 100  # steps between two lines
SETTLE = 60  # batches that the averaged weights measure BatchNorm's statistics on
NOISE = 0.004, 0.03  # standard deviation of a twin's noise, where white is 1
Draw = Callable[[Namespace, FaceDataset, np.ndarray], Batches]

SHARES: dict[str, Any] = {"type": read_share, "nargs": "+", "default": []}
OPTIONS: dict[str, Any] = {
    "data": FOLDERS,
    "out": "the .pth to write",
    "init": {"type": Path, "help": "a .pth to start from, whose points and width count"},
    "width": 32,
    "widths": {"type": int, "nargs": 9, "help": "or those of its nine double convolutions"},
    "side": 96,  # pixels of the input, a multiple of 16
    "steps": {"type": int, "help": "length of the run in steps"},
    "minutes": {"type": float, "help": "or in CPU minutes per thread; 30 without either"},
    "resume": {"action": "store_true", "help": "go on from OUT's .state, where there is one"},
    "share": SHARES | {"metavar": "SET=SHARE", "help": "of the draws"},
    "rate": 2.5e-3,
    "decay": 0.01,
    "keep": 0.995,  # of the weights' running mean
    "mean": SHARES | {"metavar": "FILE=SHARE", "help": "weights to mix in"},
    "batch": 32,
    "calm": {"type": float, "default": 0.0, "help": "share of the faces that are changed little"},
    "threads": 2,
    "twins": {"type": int, "default": 0, "help": "faces of a batch seen again in other noise"},
    "seed": 0,
}


def run(about: str | None, words: list[str] | None, draw: Draw, **more: Any) -> None:
    """Run a command: read the faces, train, write the network; `more` are its own options."""
    with command(about, words, **OPTIONS, **more) as args:
        train(args, draw)


def train(args: Namespace, draw: Draw) -> None:
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rows = read_rows(args.data)
    hold_out(rows)
    landmarks = choose_landmarks(args.init, rows, args.side)
    shape = {"base_width": args.width, "widths": args.widths or ()}
    net = load_unet(args.init) if args.init else UNet(n_classes=len(landmarks), **shape)
    if net.n_classes != len(landmarks) or net.n_channels != 1:
        raise DataError(
            f"{args.init} draws {net.n_classes} points of {net.n_channels} channels; its landmark "
            f"set has {len(landmarks)} points, and training is of grey faces."
        )
    if args.init and args.widths:
        net = widen_unet(net, args.widths)
    faces = read_faces([pair for pair in rows if pair[1]["part"] in TRAINED], landmarks)
    held = [pair for pair in rows if pair[1]["part"] == "val"]
    chance = share_chances(faces, args.share)
    print(describe_sets(faces, chance), flush=True)
    val = read_faces(held, landmarks) if held else faces
    print(f"held out: {len(val) if held else 0} faces", flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    fit(args, net, draw(args, faces, chance), val)
    beside = args.out.with_suffix(".landmarks.json")
    beside.write_text(json.dumps(landmarks.describe(), indent=1) + "\n")
    print(f"{args.out} and {beside}")


def fit(args: Namespace, net: UNet, batches: Batches, val: FaceDataset) -> None:
    """Fit a UNet to batches as the arguments say, and write the averaged weights.

    A batch is inputs `[N,1,S,S]` in 0..1, target maps `[N,K,S,S]` and points `[N,K,2]` in pixels;
    a map of zeros counts for nothing.
    """
    net = net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = average_weights(net, args.keep)
    optimiser = torch.optim.AdamW(net.parameters(), args.rate, weight_decay=args.decay)
    minutes = args.minutes or (None if args.steps else 30.0)
    budget, begin, losses = Budget(args.steps, minutes), time.time(), []
    state = args.out.with_suffix(".state")
    parts: tuple[Any, ...] = net, average, optimiser, budget
    if args.resume and state.is_file():
        for part, saved in zip(parts, torch.load(state), strict=True):
            part.load_state_dict(saved)
        args.seed += budget.done  # other faces than before
        print(f"resumed after {budget.done} steps", flush=True)
    while (spent := budget.spent()) < 1:
        set_rate(optimiser, args.rate, spent)
        losses.append(take_step(net, optimiser, args.twins, *next(batches)))
        budget.done += 1
        average.update_parameters(net)
        if budget.done % REPORT == 0:
            mean, wall = sum(losses) / len(losses), time.time() - begin
            print(f"step {budget.done} {spent:.1%} wall {wall:.0f} s loss {mean:.3f}", flush=True)
            losses.clear()
        if budget.done % (5 * REPORT) == 0:
            save_weights(average.module, args.out)
            write_whole([part.state_dict() for part in parts], state)
            print(measure_faces(wrap_network(average.module), val).summary(), flush=True)
    mix_weights(average.module, args.mean)
    update_bn((next(batches)[0] for _ in range(SETTLE)), average.module.train())
    save_weights(average.module, args.out)
    state.unlink(missing_ok=True)
    found = measure_faces(wrap_network(average.module), val)
    print(f"{budget.done} steps; held out: {found.summary()}")


def take_step(net: UNet, optimiser: torch.optim.Optimizer, twins: int, *batch: Tensor) -> float:
    """Take one optimiser step on a batch and return its loss."""
    inputs, targets, points = add_twins(twins, *batch) if twins else batch
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(inputs.contiguous(memory_format=torch.channels_last))
    loss = measure_loss(logits, targets, points, twins)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimiser.step()
    return loss.item()


def add_twins(count: int, *batch: Tensor) -> tuple[Tensor, ...]:
    """Shuffle a batch, and put its first `count` faces in other noise in the last ones' place."""
    order = torch.randperm(len(batch[0]))
    order[-count:] = order[:count]
    inputs, *rest = (part[order] for part in batch)
    twins = inputs[-count:]  # [T, 1, S, S]
    noise = torch.empty(count, 1, 1, 1).uniform_(*NOISE) * torch.randn_like(twins)
    return torch.cat([inputs[:-count], (twins + noise).clamp(0, 1)]), *rest


def mix_weights(net: nn.Module, others: list[tuple[str, float]]) -> None:
    """Mix the weights of files into a network by their shares; what is left is its own share."""
    own = 1 - sum(share for _, share in others)
    if own < -1e-6:
        raise DataError("The shares of --mean add up to more than 1.")
    for mine in net.parameters():
        mine.mul_(own)
    for file, share in others:
        for mine, theirs in zip(net.parameters(), load_unet(Path(file)).parameters(), strict=True):
            mine.add_(theirs, alpha=share)


def save_weights(net: nn.Module, path: Path) -> None:
    """Write the plain state dictionary in fp16."""
    state = {k: v.half() if v.is_floating_point() else v for k, v in net.state_dict().items()}
    write_whole({k: v.contiguous() for k, v in state.items()}, path)


def write_whole(content: Any, path: Path) -> None:
    """Write what torch reads, all at once."""
    part = path.with_suffix(".part")
    torch.save(content, part)
    part.replace(path)


class Budget:
    """How much of a training run is spent, by steps or by CPU time of each thread.

    CPU time, not the clock on the wall: a run that is paused or shares its cores ends no worse
    for it, only later.
    """

    def __init__(self, steps: int | None, minutes: float | None):
        if not (steps or minutes):
            raise ValueError("A run needs a number of steps or of minutes.")
        self.steps, self.minutes = steps, minutes or 0.0
        self.done, self.begin = 0, time.process_time()

    def spent(self) -> float:
        """Tell the share of the budget that is spent, from 0 to 1."""
        if self.steps:
            return min(self.done / self.steps, 1.0)
        used = (time.process_time() - self.begin) / torch.get_num_threads()
        return min(used / (60 * self.minutes), 1.0)

    def state_dict(self) -> dict[str, float]:
        """Return what a resumed run needs: steps and CPU seconds."""
        return {"done": self.done, "used": time.process_time() - self.begin}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from there."""
        self.done, self.begin = int(state["done"]), time.process_time() - state["used"]


def set_rate(optimiser: torch.optim.Optimizer, top: float, spent: float) -> None:
    """Set the learning rate: 4 % of the run up to `top`, then a cosine down to 0."""
    rise = min(spent / 0.04 + 0.02, 1.0)
    fall = 0.5 * (1 + math.cos(math.pi * max(spent - 0.04, 0) / 0.96))
    for group in optimiser.param_groups:
        group["lr"] = top * min(rise, fall)


def average_weights(net: nn.Module, keep: float) -> AveragedModel:
    """Make the running mean of `net`'s weights and statistics, which moves faster at first."""

    def move(mine: Tensor, theirs: Tensor, done: Tensor | int) -> Tensor:
        if not mine.is_floating_point():
            return theirs
        return mine.lerp(theirs, 1 - min(keep, (1 + int(done)) / (10 + int(done))))

    return AveragedModel(net, avg_fn=move, use_buffers=True).requires_grad_(False)
