"""Train a UNet on labelled faces and, if given, pseudo-labelled ones.

python -m training.train --data DIR --out FILE.pth --minutes 30
"""

import argparse

import torch

from training.batches import Batch, draw_batches, read_training_faces
from training.faces import SIDE
from training.fit import Batches, add_arguments, fit
from training.loss import make_targets


def draw_targets(batches: Batch) -> Batches:
    """Draw the Gaussians on each batch's points: inputs, targets `[N,15,96,96]`, points."""
    for pictures, points in batches:
        inputs = torch.from_numpy(pictures)[:, None].float() / 255  # [N, 1, 96, 96]
        known = torch.from_numpy(points)
        yield inputs, make_targets(known, SIDE), known


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(chosen.threads)
    faces, chance = read_training_faces(chosen.data, chosen.pseudo)
    fit(chosen, draw_targets(draw_batches(faces, chance, chosen.batch, chosen.seed)))
