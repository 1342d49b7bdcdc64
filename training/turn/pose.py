"""Turn a head: its mesh rotates, and hair, ears and what is behind follow less and less."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training import Bytes, Floats
from training.augment import NO_MAP
from training.index import read_table
from training.turn.mouth import drop_jaw, fill_mouth

ROWS = read_table(Path(__file__).with_name("triangles.csv"))  # of MediaPipe's list of edges
SHAPE = [row for row in ROWS if row["part"] != "oval"]
TRIANGLES = np.array([[int(row[corner]) for corner in "abc"] for row in SHAPE])  # [T, 3]
MOUTH = np.array([row["part"] == "mouth" for row in SHAPE])  # [T], of those that close the mouth
OVAL = np.array([int(row["a"]) for row in ROWS if row["part"] == "oval"])  # [36]
# Rings about the face's outline: size, depth behind it in face widths, share of the turn.
RINGS = ((1.0, 0.0, 1.0), (1.3, 0.3, 0.85), (1.8, 0.45, 0.45), (4.0, 0.45, 0.0))
NEAREST = 3  # vertices that a point moves with
EDGE = -0.02  # barycentric slack, so that neighbours leave no seam
NECK = 0.15  # face widths that the axis of the turn lies behind the outline


@dataclass(frozen=True)
class Pose:
    """What happens to a face: angles in radians, `jaw` as a share of the face's height."""

    yaw: float = 0.0  # positive turns the nose to the picture's right
    pitch: float = 0.0  # positive looks down
    jaw: float = 0.0


def turn_face(picture: Bytes, mesh: Floats, points: Floats, pose: Pose) -> tuple[Bytes, Floats]:
    """Turn the face of a crop `[C,C,3]` with a mesh `[478,3]` and points `[K,2]`.

    A point moves with the vertices nearest to it; its distance from their mean turns along.
    """
    dropped = drop_jaw(mesh, pose.jaw) if pose.jaw else mesh  # [478, 3]
    centre = find_centre(mesh)
    turned = rotate(dropped, centre, pose)
    shift = find_middle(rotate(mesh, centre, pose)) - find_middle(mesh)  # the box stays in place
    turned[:, :2] -= shift
    side = np.arange(len(picture), dtype=np.float32)
    source = np.stack(np.meshgrid(side, side), -1)  # [C, C, 2], where each pixel comes from
    old, new, strips = ring_face(mesh, centre, pose, shift)
    new[: len(OVAL)] = turned[OVAL]  # the first ring is the outline itself, chin dropped or not
    paint(source, old, new, strips)
    skin = TRIANGLES[~MOUTH] if pose.jaw else TRIANGLES
    paint(source, mesh, turned, skin, cull=True)
    border = cv2.BORDER_REPLICATE
    made = cv2.remap(picture, source, NO_MAP, cv2.INTER_LINEAR, borderMode=border)
    if pose.jaw:
        made = fill_mouth(made, turned, picture.mean() / 255)
    away = np.linalg.norm(points[:, None] - mesh[None, :, :2], axis=2)  # [K, 478]
    near = np.argsort(np.nan_to_num(away), axis=1)[:, :NEAREST]  # [K, 3]
    share = 1 / (np.take_along_axis(away, near, 1) ** 2 + 1e-3)
    share = (share / share.sum(1, keepdims=True))[..., None]  # [K, 3, 1]
    before, after = ((share * vertices[near, :2]).sum(1) for vertices in (mesh, turned))
    rest = (points - before) * [np.cos(pose.yaw), np.cos(pose.pitch)]
    return made, (after + rest).astype(np.float32)


def paint(
    source: Floats, old: Floats, new: Floats, triangles: np.ndarray, cull: bool = False
) -> None:
    """Write where pixels come from, `[C,C,2]`, for triangles `[T,3]` of vertices that moved.

    They are painted far to near, over what is there. `cull` leaves out those that show their back
    now and did not before.
    """
    to, of = new[triangles], old[triangles]  # [T, 3, 3], [T, 3, 3]
    area, before = (np.linalg.det(v[:, 1:, :2] - v[:, :1, :2]) for v in (to, of))
    seen = (np.abs(area) > 1e-3) & ((np.sign(area) == np.sign(before)) | (not cull))
    to, of = to[seen], of[seen]
    for i in np.argsort(-to[:, :, 2].mean(1)):
        corners = to[i, :, :2]
        low = np.floor(corners.min(0) - 1).clip(0, len(source)).astype(int)
        high = np.ceil(corners.max(0) + 2).clip(low, len(source)).astype(int)
        y, x = (at.ravel() for at in np.mgrid[low[1] : high[1], low[0] : high[0]])  # [P] each
        plane = np.vstack([corners.T, np.ones(3)])  # [3, 3]: shares of the corners -> x, y, 1
        share = np.linalg.inv(plane) @ np.stack([x, y, np.ones_like(x)])  # [3, P]
        inside = (share > EDGE).all(0)
        source[y[inside], x[inside]] = share[:, inside].T @ of[i, :, :2]


def rotate(vertices: Floats, centre: Floats, pose: Pose) -> Floats:
    """Rotate vertices `[V,3]` about a centre `[3]`: yaw, then pitch."""
    (cy, sy), (cp, sp) = ((np.cos(a), np.sin(a)) for a in (pose.yaw, pose.pitch))
    yaw = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])  # z points away from the viewer
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return (vertices - centre) @ (pitch @ yaw).T + centre


def find_centre(mesh: Floats) -> Floats:
    """Find the point `[3]` that a head turns about, from its mesh."""
    outline = mesh[OVAL]
    depth = outline[:, 2].max() + NECK * np.ptp(outline[:, 0])
    return np.array([*find_middle(mesh), depth])


def find_middle(mesh: Floats) -> Floats:
    """Find the middle `[2]` of the box about the face's outline."""
    outline = mesh[OVAL, :2]
    return (outline.min(0) + outline.max(0)) / 2


def ring_face(
    mesh: Floats, centre: Floats, pose: Pose, shift: Floats
) -> tuple[Floats, Floats, np.ndarray]:
    """Lay rings about the face: vertices before and after the turn `[4*36,3]`, and triangles."""
    outline, width = mesh[OVAL], np.ptp(mesh[OVAL, 0])
    old, new = [], []
    for size, depth, share in RINGS:
        ring = outline.copy()
        ring[:, :2] = centre[:2] + size * (outline[:, :2] - centre[:2])
        ring[:, 2] += depth * width
        moved = rotate(ring, centre, pose)
        moved[:, :2] -= shift
        old.append(ring)
        new.append(ring + share * (moved - ring))
    return np.concatenate(old), np.concatenate(new), join_rings(len(RINGS), len(OVAL))


def join_rings(rings: int, count: int) -> np.ndarray:
    """Join neighbouring rings of `count` vertices by triangles `[2*count*(rings-1),3]`."""
    here = np.arange(count)
    after = (here + 1) % count
    strips = []
    for i in range(rings - 1):
        inner, outer = i * count, (i + 1) * count
        strips.append(np.stack([inner + here, inner + after, outer + here], 1))
        strips.append(np.stack([inner + after, outer + here, outer + after], 1))
    return np.concatenate(strips)
