"""Label crops by the mesh: each as it is and mirrored, which tells how sure it is."""

import numpy as np

from training.augment import flip_points
from training.faces import CROP, Bytes, Floats
from training.teacher.mapping import COUNT
from training.teacher.mesh import FaceMesh
from training.teacher.regions import surround_box

BOX = 1.1 / 1.13 / 2  # the longer side of a usual box over the loose crop's side
LEFT_OUTER, RIGHT_OUTER = 3, 5


def label_crop(
    mesh: FaceMesh, weights: Floats, picture: Bytes, five: Floats
) -> tuple[Floats, Floats, Floats, float]:
    """Label one crop: points `[15,2]`, the mesh of both views, and how far those are apart."""
    plain = find_mesh(mesh, picture, five)
    other = five[[1, 0, 2, 4, 3]] * (-1, 1) + (CROP - 1, 0)
    mirrored = find_mesh(mesh, picture[:, ::-1], other)
    first, second = weights @ plain[:, :2], weights @ mirrored[:, :2]
    second = flip_points(second)
    apart = np.linalg.norm(first[LEFT_OUTER] - first[RIGHT_OUTER])
    mirror = float(np.linalg.norm(first - second, axis=1).mean() / apart)
    return (first + second) / 2, plain, mirrored, mirror


def find_mesh(mesh: FaceMesh, picture: Bytes, five: Floats) -> Floats:
    """Find the mesh `[478,3]` of a crop, NaN where there is none."""
    middle = (CROP - 1) / 2
    found = mesh.find(picture, surround_box(middle, middle, BOX * CROP, five[:2]))
    return np.full((COUNT, 3), np.nan) if found is None else found
