"""Draw batches of warped faces in a thread of their own, ahead of the network."""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from torch import Tensor

from training.augment import augment_face
from training.faces import FaceDataset

Batches = Iterator[tuple[Tensor, Tensor, Tensor]]  # inputs, targets, points
Faces = tuple[np.ndarray, np.ndarray]
AHEAD = 4  # batches that wait; a slow batch stops no network


def read_share(text: str) -> tuple[str, float]:
    """Read SET=SHARE of a command line; raises ValueError, which argparse reports."""
    name, _, share = text.partition("=")
    if not name or not 0 < float(share) <= 1:
        raise ValueError(f"{text} is not SET=SHARE with a share above 0 and up to 1.")
    return name, float(share)


def share_chances(faces: FaceDataset, shares: Iterable[tuple[str, float]] = ()) -> np.ndarray:
    """Return the chance `[N]` of drawing each face: even, or a set's share, spread over it."""
    names, of, counts = np.unique(faces.sets, return_inverse=True, return_counts=True)
    given = {name: share for name, share in shares if name in names}
    rest = max(1 - sum(given.values()), 0.0)
    others = counts[[name not in given for name in names]].sum()
    each = [given.get(n, rest * c / max(others, 1)) / c for n, c in zip(names, counts, strict=True)]
    chance = np.array(each)[of]
    return chance / chance.sum()


def describe_sets(faces: FaceDataset, chance: np.ndarray) -> str:
    """Describe what a run draws from: a line per set, its faces and its share."""
    known = 100 * (~np.isnan(faces.points).any(-1)).mean(-1)  # [N]
    sets = ((name, faces.sets == name) for name in np.unique(faces.sets))
    return "\n".join(
        f"{name:16} {mine.sum():5} faces {100 * chance[mine].sum():5.1f} %  "
        f"{known[mine].mean():.0f} % of points known"
        for name, mine in sets
    )


def draw_batches(faces: FaceDataset, chance: np.ndarray, asked: Namespace) -> Iterator[Faces]:
    """Draw endless batches of clean faces: uint8 grey `[B,S,S]`, and points `[B,K,2]` of them.

    `asked` are a run's arguments: `batch`, `seed`, and `calm`, the share that is changed little.
    """
    cv2.setNumThreads(0)  # the cores belong to the network
    rng = np.random.default_rng(asked.seed)

    def make_batch() -> Faces:
        chosen = rng.choice(len(faces), asked.batch, p=chance)
        crops = ((faces.pictures[i], faces.points[i], faces.frame) for i in chosen)
        made = [augment_face(*crop, rng, asked.calm) for crop in crops]
        return np.stack([picture for picture, _ in made]), np.stack([points for _, points in made])

    with ThreadPoolExecutor(1) as thread:
        waiting = [thread.submit(make_batch) for _ in range(AHEAD)]
        while True:
            batch = waiting.pop(0).result()
            waiting.append(thread.submit(make_batch))
            yield batch
