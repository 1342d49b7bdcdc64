"""Train a UNet on the labelled faces of data folders, of any set of points.

python -m training.train --data FOLDER ... --out FILE.pth [--init FILE.pth] [--minutes 30]
"""

from argparse import Namespace

import numpy as np
import torch

from training.batches import Batches, draw_batches
from training.disturb import degrade_faces
from training.faces import FaceDataset
from training.fit import run
from training.loss import make_targets


def draw_targets(args: Namespace, faces: FaceDataset, chance: np.ndarray) -> Batches:
    """Draw the Gaussians on each batch's points: inputs, targets `[N,K,S,S]`, points."""
    rng = np.random.default_rng(args.seed)
    for clean, points in draw_batches(faces, chance, args):
        pictures, hidden = degrade_faces(clean, points, rng, args.calm)
        inputs = torch.from_numpy(pictures)[:, None].float() / 255  # [N, 1, S, S]
        known = torch.from_numpy(points)
        yield inputs, make_targets(known, faces.frame.side, torch.from_numpy(hidden)), known


def main(words: list[str] | None = None) -> None:
    """Train by a command line."""
    run(__doc__, words, draw_targets)


if __name__ == "__main__":
    main()
