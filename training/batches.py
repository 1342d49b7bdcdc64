"""Make batches of augmented faces in a thread of their own, ahead of the network."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from training.augment import augment_face
from training.faces import LANDMARKS, FaceDataset, Folders, find_sets, read_faces
from training.shares import SHARES, TRAINED, check_labels, share_chances

Batch = Iterator[tuple[np.ndarray, np.ndarray]]
Augment = Callable[..., tuple[np.ndarray, np.ndarray]]  # picture, points, rng -> the same
AHEAD = 4  # batches that wait; a slow batch stops no network


def read_training_faces(
    data: Folders, labels: Sequence[str] = (), shares: Iterable[tuple[str, float]] = ()
) -> tuple[FaceDataset, np.ndarray]:
    """Read the faces to train on, and the chance `[N]` of drawing each.

    `labels` are files of training.pseudo or training.teacher; their points count for the
    unlabelled faces that they name. `shares` go before SHARES. Parts to measure with are
    never read.
    """
    faces = read_faces(data, find_sets(data, TRAINED))
    names = {path: i for i, path in enumerate(faces.paths.tolist())}
    for file in labels:
        paths, points = read_labels(file)
        for path, known in zip(paths, points, strict=True):
            if (i := names.get(path)) is not None and faces.parts[i] == "unlabelled":
                faces.points[i] = known
    faces = faces.select(np.asarray(~np.isnan(faces.points).all((1, 2))))
    if not len(faces):
        raise ValueError(f"{data} has no labelled faces to train on.")
    check_labels(faces, str(data))
    return faces, share_chances(faces, SHARES | dict(shares))


def read_labels(file: str) -> tuple[list[str], np.ndarray]:
    """Read a label file: paths, and points `[N,15,2]` in crop pixels, NaN where unsure."""
    with np.load(file) as content:
        if missing := {"paths", "points"} - set(content):
            raise ValueError(f"{file} lacks the array {min(missing)}.")
        paths, points = content["paths"].tolist(), content["points"].astype(np.float32)
    if points.shape != (len(paths), len(LANDMARKS), 2):
        raise ValueError(f"{file} has points of shape {list(points.shape)} for {len(paths)} paths.")
    return paths, points


def draw_batches(
    faces: FaceDataset, chance: np.ndarray, size: int, seed: int, augment: Augment = augment_face
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
