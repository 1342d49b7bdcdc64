"""Fit mapping.csv: which vertices of the mesh each hand-labelled landmark is the mean of.

python -m training.teacher.fit_mapping --data DIR --meshes FILE.npz

FILE comes from `python -m training.teacher`. Only London's training faces and the
composites are looked at, each as it is and mirrored.
"""

import argparse

import numpy as np

from training.augment import flip_points
from training.faces import Floats, read_faces
from training.teacher.mapping import COUNT, write_mapping

LABELLED = (("london", "train"), ("composite", "train"))
NEAREST = 16  # vertices that may share a landmark: those that follow it most closely
RIDGE = 0.03  # pull towards the closest ones: larger weights fit the front better, the side worse
LEAST = 0.02  # weights below are left out
LEFT_OUTER, RIGHT_OUTER = 3, 5


def fit_mapping(meshes: Floats, points: Floats) -> Floats:
    """Fit weights `[15,478]` to meshes `[N,478,2]` and hand-labelled points `[N,15,2]`."""
    apart = np.linalg.norm(points[:, LEFT_OUTER] - points[:, RIGHT_OUTER], axis=1)[:, None]  # [N,1]
    weights = np.zeros((points.shape[1], COUNT))
    for k in range(points.shape[1]):
        away = np.linalg.norm(meshes - points[:, k, None], axis=2) / apart  # [N, 478]
        distance = np.sqrt((away**2).mean(0))  # [478]
        near = np.argsort(distance)[:NEAREST]
        weights[k, near] = fit_shares(meshes[:, near], points[:, k], apart, distance[near])
    return prune(weights)


def fit_shares(near: Floats, points: Floats, apart: Floats, distance: Floats) -> Floats:
    """Fit shares `[M]` of sum 1 of vertices `[N,M,2]` to points `[N,2]`, in eye distances."""
    prior = 1 / distance**2
    prior /= prior.sum()
    rows = (near / apart[:, None]).transpose(0, 2, 1).reshape(-1, near.shape[1])  # [2N, M]
    rest = (points / apart).reshape(-1) - rows @ prior  # [2N]
    # Shares that add up to 1 are the prior plus a move whose sum is 0.
    free = np.linalg.svd(np.ones((1, len(prior))))[2][1:].T  # [M, M-1]
    spread = rows @ free
    normal = spread.T @ spread / len(rows) + RIDGE**2 * np.eye(free.shape[1])
    return prior + free @ np.linalg.solve(normal, spread.T @ rest / len(rows))


def prune(weights: Floats) -> Floats:
    """Leave out small weights `[15,478]` and scale the others to sum 1."""
    kept = np.where(np.abs(weights) < LEAST, 0, weights)
    return kept / kept.sum(1, keepdims=True)


def main() -> None:
    """Fit by a command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, nargs="+", help="folders of index.csv")
    parser.add_argument("--meshes", required=True, help="a file of training.teacher")
    args = parser.parse_args()
    faces, file = read_faces(args.data, LABELLED), np.load(args.meshes)
    at = {path: i for i, path in enumerate(file["paths"].tolist())}
    found = [at[path] for path in faces.paths]
    meshes = np.concatenate([file["mesh"][found], file["mirrored"][found]])[..., :2]
    write_mapping(fit_mapping(meshes, np.concatenate([faces.points, flip_points(faces.points)])))


if __name__ == "__main__":
    main()
