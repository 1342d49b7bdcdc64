"""How often a training step draws from each set, and what its labels must look like."""

from collections.abc import Mapping

import numpy as np

from training.faces import CROP, FaceDataset

TRAINED = ("train", "unlabelled")  # parts to train on; the others are there to measure with

# Shares of the draws by set. London and the composites are labelled by hand, so that they hold
# the scheme; they are few, so that more of them is learnt by heart. A set that is not here,
# such as one's own pictures out of `make label`, gets OTHER.
SHARES = {
    "london": 0.17,
    "composite": 0.03,
    "london-smiling": 0.08,
    "congress": 0.18,
    "london-3q": 0.15,
    "portraits-1925": 0.16,
    "turned": 0.23,
}
OTHER = 0.10


def read_share(text: str) -> tuple[str, float]:
    """Read SET=SHARE of a command line; raises ValueError, which argparse reports."""
    name, _, share = text.partition("=")
    if not name or not 0 < float(share) <= 1:
        raise ValueError(f"{text} is no SET=SHARE with a share above 0 and up to 1.")
    return name, float(share)


def share_chances(faces: FaceDataset, shares: Mapping[str, float] = SHARES) -> np.ndarray:
    """Return the chance `[N]` of drawing each face: a set's share, spread over its faces."""
    names, of, counts = np.unique(faces.sets, return_inverse=True, return_counts=True)
    each = np.array([shares.get(str(name), OTHER) for name in names]) / counts
    chance = each[of]
    return chance / chance.sum()


def check_labels(faces: FaceDataset, where: str) -> None:
    """Raise ValueError, naming the file, where points cannot be those of a crop."""
    for path, points in zip(faces.paths, faces.points, strict=True):
        known = points[~np.isnan(points).any(-1)]  # [K, 2]
        if len(known) < 5:
            raise ValueError(f"{where}: {path} has {len(known)} known points; 5 are needed.")
        if not ((known > -CROP / 2) & (known < 1.5 * CROP)).all():
            raise ValueError(f"{where}: {path} has a point far outside its {CROP}-pixel crop.")
        if len(np.unique(known, axis=0)) < len(known):
            raise ValueError(f"{where}: {path} has two landmarks on one spot.")


def describe_shares(faces: FaceDataset, chance: np.ndarray) -> str:
    """Describe what a run draws from: a line a set, its faces and its share."""
    lines = []
    for name in np.unique(faces.sets):
        mine = faces.sets == name
        known = 100 * (~np.isnan(faces.points[mine]).any(-1)).mean()
        lines.append(
            f"{name:16} {mine.sum():5} faces {100 * chance[mine].sum():5.1f} %  "
            f"{known:.0f} % of the points known"
        )
    return "\n".join(lines)
