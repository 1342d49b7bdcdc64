"""Label the unlabelled faces by a teacher that sees each in several poses, keeping the sure ones.

python -m training.pseudo --data DIR --teacher FILE.pth --out FILE.npz
"""

import argparse

import cv2
import numpy as np
from numpy.typing import NDArray

from training.augment import Strength, draw_affine, flip_points, map_affine
from training.evaluate import LEFT_OUTER, RIGHT_OUTER, Locate, load_run
from training.faces import (
    CROP,
    FACE,
    SCALE,
    SIDE,
    YUNET_AS_LANDMARKS,
    Bytes,
    FaceDataset,
    Floats,
    find_sets,
    read_faces,
)

GENTLE = Strength(rotation=6, scale=0.05, stretch=0, shear=0, shift=2.5)
PLAIN = np.array([[1 / SCALE, 0, 0], [0, 1 / SCALE, 0]], np.float32)
PLAIN[:, 2] = (CROP - FACE) / 2 - 0.5 + 0.5 / SCALE  # the exact middle of the crop

SPREAD = 0.020  # highest mean sd of a face's views, and twice that for one landmark
DISTANCE = 0.09  # highest mean distance from YuNet's five points


def draw_views(jitters: int, seed: int) -> list[tuple[bool, Floats]]:
    """Draw the views: whether mirrored, and the affine `[2,3]` input pixels -> crop pixels."""
    rng = np.random.default_rng(seed)
    views = [(False, PLAIN), (True, PLAIN)]
    return views + [(bool(i % 2), draw_affine(rng, GENTLE)) for i in range(jitters)]


def locate_views(run: Locate, pictures: Bytes, views: list) -> Floats:
    """Locate the landmarks of crops `[N,256,256,3]` in each view: crop pixels `[V,N,15,2]`."""
    return np.stack([locate_view(run, pictures, *view) for view in views])


def locate_view(run: Locate, pictures: Bytes, mirrored: bool, affine: Floats) -> Floats:
    """Locate the landmarks of crops in one view, as crop pixels `[N,15,2]` of the crops given."""
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    inputs = np.empty((len(pictures), 1, SIDE, SIDE), np.uint8)
    for one, picture in zip(inputs, pictures, strict=True):
        grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 0.4)
        one[0] = cv2.warpAffine(
            cv2.flip(grey, 1) if mirrored else grey, affine, (SIDE, SIDE), flags=how
        )
    found = np.concatenate([run(inputs[i : i + 32]) for i in range(0, len(inputs), 32)])
    found = map_affine(affine, found.reshape(-1, 2)).reshape(found.shape)
    return flip_points(found) if mirrored else found


def judge_faces(points: Floats, yunet: Floats) -> tuple[Floats, Floats, Floats]:
    """Judge points seen in V views `[V,N,15,2]` against YuNet's `[N,5,2]`.

    Gives the median points `[N,15,2]`, each landmark's sd `[N,15]`, and the mean distance
    from YuNet `[N]`; sd and distance are shares of the distance of the outer eye corners.
    """
    middle = np.median(points, axis=0)  # one wild view moves no median
    apart = np.linalg.norm(middle[:, LEFT_OUTER] - middle[:, RIGHT_OUTER], axis=-1)  # [N]
    sd = np.sqrt(((points - middle) ** 2).sum(-1).mean(0)) / apart[:, None]
    far = np.linalg.norm(middle[:, list(YUNET_AS_LANDMARKS)] - yunet, axis=-1).mean(1) / apart
    return middle, sd, far


def label_faces(
    run: Locate, faces: FaceDataset, jitters: int = 5, seed: int = 0
) -> tuple[NDArray, Floats]:
    """Label faces: which to keep `[N]`, and points `[N,15,2]` in crop pixels, NaN where unsure."""
    seen = locate_views(run, faces.pictures, draw_views(jitters, seed))
    points, sd, far = judge_faces(seen, faces.yunet)
    keep = (sd.mean(1) < SPREAD) & (far < DISTANCE)
    print(
        f"mean sd {100 * sd.mean():.2f} %, from YuNet {100 * far.mean():.2f} %, {keep.sum()} kept"
    )
    return keep, np.where(sd[..., None] < 2 * SPREAD, points, np.nan).astype(np.float32)


def main(words: list[str] | None = None) -> None:
    """Read the command line, label, and write `paths` and `points` of the faces kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, nargs="+", help="folders of index.csv")
    parser.add_argument("--teacher", required=True, help="a .pth")
    parser.add_argument("--out", required=True, help="the .npz to write, outside the repository")
    args = parser.parse_args(words)
    faces = read_faces(args.data, find_sets(args.data, ["unlabelled"]))
    keep, points = label_faces(load_run(args.teacher, fast=True), faces)
    np.savez(args.out, paths=faces.paths[keep], points=points[keep])


if __name__ == "__main__":
    main()
