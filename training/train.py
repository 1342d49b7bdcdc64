"""Train a UNet on the labelled faces of data folders and of label files.

python -m training.train --data DIR ... --labels FILE.npz ... --out FILE.pth --minutes 30
"""

import argparse

import torch

from training.batches import Batch, draw_batches, read_training_faces
from training.faces import SIDE
from training.fit import Batches, add_arguments, fit
from training.loss import make_targets
from training.shares import describe_shares


def draw_targets(batches: Batch) -> Batches:
    """Draw the Gaussians on each batch's points: inputs, targets `[N,15,96,96]`, points."""
    for pictures, points in batches:
        inputs = torch.from_numpy(pictures)[:, None].float() / 255  # [N, 1, 96, 96]
        known = torch.from_numpy(points)
        yield inputs, make_targets(known, SIDE), known


def main(words: list[str] | None = None) -> None:
    """Train by a command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    args = parser.parse_args(words)
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    faces, chance = read_training_faces(args.data, args.labels, args.share)
    print(describe_shares(faces, chance), flush=True)
    fit(args, draw_targets(draw_batches(faces, chance, args.batch, args.seed)))


if __name__ == "__main__":
    main()
