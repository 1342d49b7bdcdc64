"""Train each shape equally long on the same batches, and write what it then misses.

    python -m bench.shapes.accuracy draw --data DIR ... --labels FILE --share london=0.18 ...
    python -m bench.shapes.accuracy train --data DIR ... --shape "48x48 heatmaps"

The budget is small, and the same for all: it tells shapes apart, not what either could reach. A
run starts at the student's weights as far as they fit (bench.shapes.transplant), or at random; a
new head is first fitted to what stands before it.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bench.csv_file import read_csv, write_csv
from bench.engine.networks import OUT, STUDENT
from bench.machine import results_folder
from bench.shapes.networks import Shape, ShapedUNet, list_shapes
from bench.shapes.transplant import transplant
from predictor.checkpoint import load_unet
from training.batches import draw_batches, read_training_faces
from training.evaluate import SETS, Locate, evaluate_nme, wrap_network
from training.faces import SIDE, read_faces
from training.fit import take_step
from training.loss import make_targets
from training.schedule import copy_average, set_rate, settle_statistics, update_average
from training.shares import read_share

FOLDER = OUT / "shapes"
DRAWN, BATCH, WIDTH = 12_800, 16, 12
HALF_SIGMA = 0.8  # pixels of a heatmap of 48x48
HEAD_STEPS, HEAD_RATE = 150, 2e-2
SETTLE = 40  # batches whose statistics the averaged weights get


def draw(args: argparse.Namespace) -> None:
    """Draw the batches that all shapes train on."""
    faces, chance = read_training_faces(args.data, args.labels, args.share)
    batches = draw_batches(faces, chance, BATCH, 0)
    pictures, points = zip(*(next(batches) for _ in range(DRAWN // BATCH)), strict=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    np.save(FOLDER / "pictures.npy", np.concatenate(pictures))  # [DRAWN, 96, 96] uint8
    np.save(FOLDER / "points.npy", np.concatenate(points))  # [DRAWN, 15, 2]


def train(args: argparse.Namespace) -> None:
    """Train one shape and add its row to the table."""
    shape = list_shapes(WIDTH)[args.shape]
    pictures = np.load(FOLDER / "pictures.npy", mmap_mode="r")
    points = torch.from_numpy(np.load(FOLDER / "points.npy"))
    torch.manual_seed(0)
    net = ShapedUNet(shape)
    if args.start == "student":
        transplant(net, load_unet(STUDENT))
    net = net.train().to(memory_format=torch.channels_last)  # type: ignore
    optimiser = torch.optim.AdamW(net.parameters(), args.rate, weight_decay=0.01)
    losses: list[float] = []

    def step_on(step: int, by: torch.optim.Optimizer) -> float:
        part = cut_batch(step)
        return take_step(net, by, scale(pictures[part]), *aim(shape, points[part]))

    kept = FOLDER / f"{args.shape} {args.start} {args.steps}.run".replace("/", "-")
    if shape.head != "full" and not kept.is_file():
        fit_head(net, step_on)
    average = copy_average(net)
    parts = {"net": net, "average": average, "optimiser": optimiser}
    for step in range(resume(kept, parts, losses), args.steps):
        set_rate(optimiser, args.rate, step / args.steps)
        losses.append(step_on(step, optimiser))
        update_average(average, net, 0.98, step + 1)
        if step % 20 == 19:
            print(f"step {step + 1} loss {np.mean(losses[-20:]):.3f}", flush=True)
            torch.save([losses, {k: part.state_dict() for k, part in parts.items()}], kept)
    settled = iter(range(SETTLE))
    settle_statistics(average, lambda: scale(pictures[cut_batch(next(settled))]), SETTLE)
    row = {"width": WIDTH, "shape": args.shape, "start": args.start, "steps": args.steps}
    row |= {"rate": args.rate, "loss": f"{np.mean(losses[-50:]):.3f}"}
    for name, part in SETS.items():
        error = evaluate_nme(wrap_shape(average, shape), read_faces(args.data, [part]))
        row[name] = f"{error.faces.mean():.5f}"
    print(row, flush=True)
    write_row(args.out, row)


def fit_head(net: ShapedUNet, step_on: Callable[[int, torch.optim.Optimizer], float]) -> None:
    """Fit a new head to the layers before it, which stay as they are: a third of a step's cost."""
    head = [p for name, p in net.named_parameters() if name.startswith(("refine", "outc"))]
    net.requires_grad_(False)
    for weight in head:
        weight.requires_grad_(True)
    optimiser = torch.optim.AdamW(head, HEAD_RATE)
    for step in range(HEAD_STEPS):
        set_rate(optimiser, HEAD_RATE, step / HEAD_STEPS)
        loss = step_on(step, optimiser)
        if step % 20 == 19:
            print(f"head step {step + 1} loss {loss:.3f}", flush=True)
    net.requires_grad_(True)


def cut_batch(step: int) -> slice:
    """Cut a step's batch out of all that were drawn, and begin anew after the last."""
    first = step * BATCH % DRAWN
    return slice(first, first + BATCH)


def resume(kept: Path, parts: dict, losses: list[float]) -> int:
    """Go on with a run that was cut short: the step to go on at."""
    if kept.is_file():
        before, states = torch.load(kept, weights_only=True)
        losses += before
        for name, state in states.items():
            parts[name].load_state_dict(state)
    return len(losses)


def scale(pictures: np.ndarray) -> torch.Tensor:
    inputs = torch.from_numpy(np.array(pictures))[:, None].float() / 255  # [N, 1, 96, 96]
    return inputs.contiguous(memory_format=torch.channels_last)


def aim(shape: Shape, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Make the target maps of a shape, and the points `[N,15,2]` in their pixels."""
    if shape.head == "half":
        points = (points - 0.5) / 2  # the first pixel's centre is (0, 0) in both
        return make_targets(points, SIDE // 2, HALF_SIGMA), points
    return make_targets(points, SIDE), points


def wrap_shape(net: torch.nn.Module, shape: Shape) -> Locate:
    """Make a network a callable for evaluate_nme with the service's decoder."""
    run = wrap_network(net)
    return (lambda inputs: 2 * run(inputs) + 0.5) if shape.head == "half" else run


def write_row(out: Path, row: dict) -> None:
    """Put a run's row in the place of its earlier one."""
    key = ("width", "shape", "start", "steps")
    before = read_csv(out) if out.is_file() else []
    others = [r for r in before if any(r[k] != str(row[k]) for k in key)]
    write_csv(out, [*others, row], list(row))


def main() -> None:
    """Draw or train by a command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("draw", "train"))
    parser.add_argument("--data", required=True, nargs="+", help="folders of index.csv")
    parser.add_argument("--labels", nargs="+", default=[])
    parser.add_argument("--share", type=read_share, nargs="+", default=[])
    parser.add_argument("--shape", default="shipped")
    parser.add_argument("--start", choices=("student", "random"), default="student")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--out", type=Path, default=results_folder() / "shapes_nme.csv")
    args = parser.parse_args()
    torch.set_num_threads(1)
    draw(args) if args.what == "draw" else train(args)


if __name__ == "__main__":
    main()
