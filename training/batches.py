"""Make batches of augmented faces in a thread of their own, ahead of the network."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from training.augment import augment_face
from training.faces import Faces, read_faces

LABELLED = (("london", "train"), ("composite", "train"))
UNLABELLED = (("london-smiling", "unlabelled"), ("congress", "unlabelled"))
Batch = Iterator[tuple[np.ndarray, np.ndarray]]
Augment = Callable[..., tuple[np.ndarray, np.ndarray]]  # picture, points, rng -> the same
AHEAD = 4  # batches that wait; a slow batch stops no network


def read_training_faces(data: str, pseudo: str | None) -> tuple[Faces, np.ndarray]:
    """Read the faces to train on, and the chance `[N]` of drawing each.

    `pseudo` is a file of training.pseudo; its faces are drawn 60 % of the time.
    """
    faces = read_faces(data, LABELLED)
    chance = np.full(len(faces), 1 / len(faces))
    if not pseudo:
        return faces, chance
    more = read_pseudo_faces(data, pseudo)
    both = Faces(**{k: np.concatenate([v, getattr(more, k)]) for k, v in vars(faces).items()})
    return both, np.concatenate([0.4 * chance, np.full(len(more), 0.6 / len(more))])


def read_pseudo_faces(data: str, pseudo: str) -> Faces:
    """Read the unlabelled faces that a pseudo-label file keeps, with its points."""
    faces, file = read_faces(data, UNLABELLED), np.load(pseudo)
    points = dict(zip(file["paths"].tolist(), file["points"], strict=True))
    faces = faces.select(np.array([p in points for p in faces.paths]))
    faces.points = np.stack([points[p] for p in faces.paths]).astype(np.float32)
    return faces


def draw_batches(
    faces: Faces, chance: np.ndarray, size: int, seed: int, augment: Augment = augment_face
) -> Batch:
    """Draw endless batches: uint8 grey pictures `[size,96,96]` and points `[size,15,2]` of them."""
    cv2.setNumThreads(0)  # the cores belong to the network
    rng = np.random.default_rng(seed)

    def make_batch() -> tuple[np.ndarray, np.ndarray]:
        chosen = rng.choice(len(faces), size, p=chance)
        made = [augment(faces.pictures[i], faces.points[i], rng) for i in chosen]
        return np.stack([picture for picture, _ in made]), np.stack([points for _, points in made])

    with ThreadPoolExecutor(1) as thread:
        waiting = [thread.submit(make_batch) for _ in range(AHEAD)]
        while True:
            batch = waiting.pop(0).result()
            waiting.append(thread.submit(make_batch))
            yield batch
