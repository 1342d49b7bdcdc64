"""Print all that is known of a network's accuracy, and draw its worst faces.

python -m training.measure --data DIR ... --model FILE [--engine NAME] [--yunet FILE.onnx]
                           [--teacher labels.npz] [--out DIR]

Errors are in percent of the distance of the outer eye corners; "off" is above 10 %.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from training.evaluate import SETS, Errors, measure_errors
from training.faces import LANDMARKS, SIDE, FaceDataset, Floats, cut_inputs, read_faces, to_crop
from training.measure.cuts import measure_cuts, summarise
from training.measure.locate import Locator, load_locator
from training.measure.others import FIVE, find_teacher, measure_five
from training.measure.ranking import rank_points
from training.measure.whole_way import go_whole_way
from training.teacher.sheet import draw_cell, write_sheet
from training.yunet import YuNet

THREE_QUARTER = ("london-3q", "val-unlabelled")  # measured against the teacher's labels
SIZES = (96, 64, 48, 32, 24)  # pixels of the network's crop, brought down and up again
WORST = 20
HEAD = "n | NME | median | p95 | % off |\n|---|---|---|---|---|---|"


def print_sets(found: dict[str, Errors], scores: dict[str, Floats]) -> None:
    """Print each set's errors and how well scores rank its points."""
    head = HEAD.replace("\n|", " AUROC | without inner brows |\n|---|---|", 1)
    print(f"\n| from crops | {head}")
    for name, errors in found.items():
        every, rest = rank_points(errors.each, scores[name])
        print(f"| {name} | {summarise(errors)} | {every:.3f} | {rest:.3f} |")


def print_cuts(name: str, faces: FaceDataset, errors: Errors) -> None:
    """Print a set's errors by yaw, roll and mouth."""
    for cut, values in measure_cuts(faces.points):
        print(f"\n| {name}, {cut.name} | {HEAD}")
        for label, mask in cut.split(values):
            print(f"| {label} | {summarise(Errors(errors.each[mask]))} |")


def print_sizes(locate: Locator, name: str, faces: FaceDataset) -> None:
    """Print a set's errors when its faces are smaller than the network's input."""
    print(f"\n| {name}, crop of so many pixels | {HEAD}")
    for side in SIZES:
        inputs = np.stack([shrink(one[0], side)[None] for one in cut_inputs(faces)])
        errors = measure_errors(to_crop(locate(inputs)[0]), faces.points)
        print(f"| {side} | {summarise(errors)} |")


def shrink(face: np.ndarray, side: int) -> np.ndarray:
    """Bring a face `[96,96]` down to `side` pixels and up again, as the service does."""
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def print_points(found: dict[str, Errors]) -> None:
    """Print each landmark's mean error in each set."""
    print(f"\n| point | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
    for k, landmark in enumerate(LANDMARKS):
        means = (f"{100 * np.nanmean(errors.each[:, k]):.2f}" for errors in found.values())
        print(f"| {landmark} | {' | '.join(means)} |")


def print_whole_way(
    locate: Locator, yunet: YuNet, sets: dict[str, FaceDataset], labels: str
) -> None:
    """Print errors from the picture to the points, with YuNet's five and the teacher beside."""
    head = HEAD.replace("\n|", " ours at YuNet's five | YuNet's |\n|---|---|---|", 1)
    print(f"\n| end to end | missed | {head}")
    teacher = {}
    for name, faces in sets.items():
        whole = go_whole_way(locate, yunet, faces)
        seen = np.isfinite(whole.points).all((1, 2))
        truth = faces.points[seen]
        errors = measure_errors(whole.points[seen], truth)
        ours = 100 * measure_five(whole.points[seen][:, FIVE], truth).faces.mean()
        theirs = 100 * measure_five(faces.yunet[seen], truth).faces.mean()  # in the whole picture
        cells = f"{(~seen).sum()} | {summarise(errors)} | {ours:.2f} | {theirs:.2f}"
        print(f"| {name} | {cells} |")
        points = find_teacher(labels, faces)
        known = np.isfinite(points).all((1, 2))
        teacher[name] = measure_errors(points[known], faces.points[known])
    print(f"\n| the teacher | {HEAD}")
    for name, errors in teacher.items():
        print(f"| {name} | {summarise(errors)} |")


def draw_worst(
    sets: dict[str, FaceDataset], found: dict[str, Errors], ours: dict, out: Path
) -> None:
    """Draw the worst faces of all sets: labels green, ours red."""
    rows = [(e, name, i) for name in sets for i, e in enumerate(found[name].faces)]
    cells = [
        draw_cell(
            sets[name].pictures[i],
            [sets[name].points[i], ours[name][i]],
            f"{name} {100 * error:.1f}",
        )
        for error, name, i in sorted(rows, reverse=True)[:WORST]
    ]
    out.mkdir(parents=True, exist_ok=True)
    write_sheet(cells, out / "worst.png")
    print(f"\nThe worst {WORST}: {out / 'worst.png'}, labels green, ours red.")


def main() -> None:
    """Measure by a command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, nargs="+", help="folders of index.csv")
    parser.add_argument("--model", required=True, help="a .pth, or an exported folder")
    parser.add_argument("--engine", default="eager")
    parser.add_argument("--yunet", help="YuNet's file, for end to end")
    parser.add_argument("--teacher", help="a file of training.teacher, for its points beside")
    parser.add_argument("--out", type=Path, default=Path("out/evaluate"))
    args = parser.parse_args()
    locate = load_locator(args.model, args.engine)
    sets = {name: read_faces(args.data, [part]) for name, part in SETS.items()}
    located = {name: locate(cut_inputs(faces)) for name, faces in sets.items()}
    ours = {name: to_crop(points) for name, (points, _) in located.items()}
    found = {name: measure_errors(ours[name], faces.points) for name, faces in sets.items()}
    print(f"{args.model}, engine {args.engine}; percent of the outer eye corners' distance")
    print_sets(found, {name: scores for name, (_, scores) in located.items()})
    print_points(found)
    for name in ("helen",):
        print_cuts(name, sets[name], found[name])
        print_sizes(locate, name, sets[name])
    if args.teacher:
        faces = read_faces(args.data, [THREE_QUARTER])
        faces.points = find_teacher(args.teacher, faces)
        errors = measure_errors(to_crop(locate(cut_inputs(faces))[0]), faces.points)
        print(f"\n| three-quarter, against the teacher | {HEAD}\n| val | {summarise(errors)} |")
    if args.yunet:
        print_whole_way(locate, YuNet(args.yunet), sets, args.teacher)
    draw_worst(sets, found, ours, args.out)


if __name__ == "__main__":
    main()
