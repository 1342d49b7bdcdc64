"""Keep the labels that agree: with the mirrored view, with YuNet, and with the network.

python -m training.teacher.agree --data DIR ... --meshes FILE.npz --network FILE.npz --out FILE.npz

The mesh is the better judge of noses, lips and all turned faces, the network of frontal
brows and of what our hand-labelled sets call an eye.
"""

import argparse
from dataclasses import dataclass

import numpy as np

from training.faces import LANDMARKS, YUNET_AS_LANDMARKS, FaceDataset, Floats, find_sets, read_faces

LEFT_OUTER, RIGHT_OUTER, NOSE = 3, 5, LANDMARKS.index("nose_tip")
BROWS = [k for k, name in enumerate(LANDMARKS) if "eyebrow" in name]
MOUTH = [k for k, name in enumerate(LANDMARKS) if "mouth" in name]
TURNED = 0.12  # of the nose from the middle of the outer eye corners, about 15 degrees


@dataclass(frozen=True)
class Limits:
    """How far labels may be apart, in shares of the distance of the outer eye corners."""

    mirror: float  # the mesh's two views
    yunet: float  # the mesh and YuNet's five points
    network: float  # the mesh and the network


FRONTAL = Limits(mirror=0.025, yunet=0.12, network=0.055)
SIDE = Limits(mirror=0.035, yunet=0.16, network=0.14)


def measure_turn(points: Floats) -> Floats:
    """Measure how far faces `[N,15,2]` are turned: the nose's place between the eye corners."""
    across = points[:, LEFT_OUTER] - points[:, RIGHT_OUTER]  # [N, 2]
    middle = (points[:, LEFT_OUTER] + points[:, RIGHT_OUTER]) / 2
    return ((points[:, NOSE] - middle) * across).sum(1) / (across**2).sum(1)


def share_mesh(turned: bool) -> Floats:
    """Return the mesh's share of each landmark `[15,1]`; the rest is the network's."""
    share = np.full((len(LANDMARKS), 1), 1.0 if turned else 0.7)
    share[BROWS] = 0.8 if turned else 0.5
    share[[NOSE, *MOUTH]] = 1.0
    return share


def judge_label(points: Floats, mirror: float, yunet: Floats, network: Floats | None) -> str:
    """Judge the mesh's points `[15,2]`: empty where they hold, else what speaks against them."""
    if not np.isfinite(points).all():
        return "no mesh"
    limits = SIDE if is_turned(points) else FRONTAL
    apart = np.linalg.norm(points[LEFT_OUTER] - points[RIGHT_OUTER])
    five = points[list(YUNET_AS_LANDMARKS)]
    if not mirror < limits.mirror:
        return "mirrored view"
    if np.linalg.norm(five - yunet, axis=1).mean() >= limits.yunet * apart:
        return "YuNet"
    if network is not None:
        away = np.nanmean(np.linalg.norm(points - network, axis=1))
        if away >= limits.network * apart:
            return "network"
    return ""


def is_turned(points: Floats) -> bool:
    """Check whether the face of points `[15,2]` is turned to a side."""
    return bool(abs(measure_turn(points[None])[0]) > TURNED)


def agree(faces: FaceDataset, meshes: dict, network: dict) -> tuple[list[str], list[Floats], dict]:
    """Choose and mix the labels: paths, points `[15,2]` each, and a count of each reason."""
    paths, mixed, reasons = [], [], {"kept": 0}
    for path, yunet in zip(faces.paths.tolist(), faces.yunet, strict=True):
        if path not in meshes:
            continue
        points, mirror = meshes[path]
        own = network.get(path)
        why = judge_label(points, mirror, yunet, own)
        if not why and network and own is None and not is_turned(points):
            why = "the network is unsure"
        if why:
            reasons[why] = reasons.get(why, 0) + 1
            continue
        if own is not None:
            share = share_mesh(is_turned(points))
            points = np.where(np.isnan(own), points, share * points + (1 - share) * own)
        reasons["kept"] += 1
        paths.append(path)
        mixed.append(points)
    return paths, mixed, reasons


def main(words: list[str] | None = None) -> None:
    """Choose and mix by a command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, nargs="+", help="folders of index.csv")
    parser.add_argument("--meshes", required=True, help="a file of training.teacher")
    parser.add_argument("--network", help="a file of training.pseudo")
    parser.add_argument("--out", required=True, help="the .npz to write")
    args = parser.parse_args(words)
    faces = read_faces(args.data, find_sets(args.data, ["unlabelled"]))
    file = np.load(args.meshes)
    rows = zip(file["points"], file["mirror"], strict=True)
    meshes = dict(zip(file["paths"].tolist(), rows, strict=True))
    network = {}
    if args.network:
        own = np.load(args.network)
        network = dict(zip(own["paths"].tolist(), own["points"], strict=True))
    paths, points, reasons = agree(faces, meshes, network)
    print(", ".join(f"{why} {count}" for why, count in reasons.items()))
    np.savez(args.out, paths=paths, points=np.array(points, np.float32))


if __name__ == "__main__":
    main()
