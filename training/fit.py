"""The training loop that train and distil share."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from predictor.checkpoint import load_unet
from predictor.unet import UNet
from training.evaluate import evaluate_nme, wrap_network
from training.faces import read_faces
from training.loss import measure_loss
from training.schedule import Budget, copy_average, set_rate, settle_statistics, update_average
from training.shares import read_share

REPORT = 100  # steps between two lines
Batches = Iterator[tuple[Tensor, Tensor, Tensor]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a training run to a command line."""
    parser.add_argument("--data", required=True, nargs="+", help="folders of index.csv")
    parser.add_argument("--out", required=True, help="the .pth to write")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--steps", type=int, help="length of the run in steps")
    parser.add_argument("--minutes", type=float, help="or in minutes of CPU time per thread")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--init", help="a .pth to start from")
    parser.add_argument("--labels", nargs="+", default=[], help="files of points, in turn")
    parser.add_argument(
        "--share", type=read_share, nargs="+", default=[], metavar="SET=SHARE", help="of the draws"
    )
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--decay", type=float, default=0.01)
    parser.add_argument("--keep", type=float, default=0.995, help="of the weights' running mean")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)


def fit(args: argparse.Namespace, batches: Batches) -> None:
    """Fit a UNet to batches as the arguments say, and write the averaged weights.

    A batch is inputs `[N,1,96,96]` in 0..1, target maps `[N,15,96,96]` and points
    `[N,15,2]` in pixels; a map of zeros counts for nothing.
    """
    net = load_unet(args.init) if args.init else UNet(base_width=args.width)
    net = net.train().to(memory_format=torch.channels_last)  # type: ignore
    average = copy_average(net)
    optimiser = torch.optim.AdamW(net.parameters(), args.rate, weight_decay=args.decay)
    val = read_faces(args.data, [("london", "val")])
    budget, begin, losses = Budget(args.steps, args.minutes), time.time(), []
    while (spent := budget.spent()) < 1:
        set_rate(optimiser, args.rate, spent)
        losses.append(take_step(net, optimiser, *next(batches)))
        budget.done += 1
        update_average(average, net, args.keep, budget.done)
        if budget.done % REPORT == 0:
            mean, wall = sum(losses) / len(losses), time.time() - begin
            print(f"step {budget.done} {spent:.1%} wall {wall:.0f} s loss {mean:.3f}", flush=True)
            losses.clear()
        if budget.done % (5 * REPORT) == 0:
            save_weights(average, args.out)
            print(evaluate_nme(wrap_network(average), val).summary(), flush=True)
    settle_statistics(
        average, lambda: next(batches)[0].contiguous(memory_format=torch.channels_last)
    )
    save_weights(average, args.out)
    print("settled", evaluate_nme(wrap_network(average), val).summary(), flush=True)


def take_step(
    net: UNet, optimiser: torch.optim.Optimizer, inputs: Tensor, targets: Tensor, points: Tensor
) -> float:
    """Take one optimiser step on a batch and give its loss."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(inputs.contiguous(memory_format=torch.channels_last))
    loss = measure_loss(logits, targets, points)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimiser.step()
    return loss.item()


def save_weights(net: UNet, path: str) -> None:
    """Write the plain state dictionary in fp16, all at once."""
    part = Path(path).with_suffix(".part")
    state = {k: v.half() if v.is_floating_point() else v for k, v in net.state_dict().items()}
    torch.save({k: v.contiguous() for k, v in state.items()}, part)
    part.replace(path)
