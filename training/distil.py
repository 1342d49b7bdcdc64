"""Train a small UNet to draw the heatmaps of a large one, as well as the known points.

python -m training.distil --data FOLDER ... --teacher FILE.pth --out FILE.pth --width 12
"""

from argparse import Namespace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from predictor.checkpoint import load_unet
from predictor.decode import decode_heatmaps
from predictor.unet import UNet
from training import DataError, Floats
from training.batches import Batches, draw_batches
from training.disturb import degrade_faces
from training.faces import FaceDataset
from training.fit import run
from training.loss import find_centres, is_inside, make_targets

POOL = 32  # batches that the teacher has drawn and the student may see again
REUSE = 6  # the student's steps for each of the teacher's, every time in another light
NEAR = 8  # pixels that a map may be moved


def draw_lessons(args: Namespace, faces: FaceDataset, chance: np.ndarray) -> Batches:
    """Draw endless batches for fit: inputs, target maps and points.

    The teacher sees each face once, in good light; the student sees it several times, in bad.
    """
    teacher: UNet = load_unet(args.teacher).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if teacher.n_classes != len(faces.frame.landmarks):
        raise DataError(f"{args.teacher} draws {teacher.n_classes} points, not the set's.")
    rng = np.random.default_rng(args.seed)
    pool: list[tuple[np.ndarray, np.ndarray, Tensor]] = []
    for clean, points in draw_batches(faces, chance, args):
        maps = draw_maps(teacher, clean)
        pool = [*pool[1 - POOL :], (clean, points, move_maps(maps, points) if args.move else maps)]
        for i in [-1, *rng.integers(len(pool), size=REUSE - 1)]:  # the new lesson first
            clean, points, maps = pool[i]
            inputs, hidden = degrade_faces(clean, points, rng, args.calm)
            known = torch.from_numpy(points)
            targets = mix_targets(maps.float(), known, torch.from_numpy(hidden))
            centres = torch.where(known.isnan(), find_centres(targets), known)
            yield torch.from_numpy(inputs)[:, None].float() / 255, targets, centres


@torch.inference_mode()
def draw_maps(teacher: UNet, clean: np.ndarray) -> Tensor:
    """Draw the teacher's maps of faces uint8 `[N,S,S]`: softmaxes `[N,K,S,S]` in fp16."""
    x = torch.from_numpy(clean)[:, None].float() / 255
    x = x.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits = teacher(x)
    return logits.float().flatten(2).softmax(-1).view(logits.shape).half().contiguous()


def move_maps(maps: Tensor, points: Floats) -> Tensor:
    """Move maps `[N,K,S,S]` until their peaks lie on points `[N,K,2]`, where those are near.

    They then say how sure a point is, and not where; what is elsewhere or unsure gets a Gaussian.
    The map of an unknown point (NaN) stays where it is.
    """
    found, _ = decode_heatmaps(maps.float().numpy(), "probabilities")  # [N, K, 2]
    moved = torch.from_numpy(points - found).nan_to_num().flatten(0, 1)  # [N*K, 2]
    affine = torch.eye(2, 3).repeat(len(moved), 1, 1)  # where each pixel comes from
    affine[..., 2] = -2 * moved / maps.shape[-1]
    flat = maps.float().view(-1, 1, *maps.shape[2:])
    grid = functional.affine_grid(affine, list(flat.shape), align_corners=False)
    flat = functional.grid_sample(flat, grid, "bicubic", align_corners=False).clamp_min(0)
    mass = flat.sum((2, 3), keepdim=True)  # [N*K, 1, 1, 1]
    good = (mass > 0.5) & (moved.norm(dim=1).view(mass.shape) < NEAR)
    drawn = make_targets(torch.from_numpy(points), maps.shape[-1]).view(flat.shape)
    return torch.where(good, flat / mass.clamp_min(1e-6), drawn).view(maps.shape).half()


def mix_targets(maps: Tensor, points: Tensor, hidden: Tensor) -> Tensor:
    """Mix the teacher's maps `[N,K,S,S]` half and half with Gaussians on the known points.

    Points known to lie outside get zeros: there the teacher can but guess. Those that are
    `hidden` `[N,K]` from the student get the Gaussian alone.
    """
    side = maps.shape[-1]
    known, inside = ~points.isnan().any(-1), is_inside(points, side)  # [N, K]
    share = torch.where(known, torch.where(hidden, 0.0, 0.5), 1.0)[..., None, None]  # of maps
    mixed = share * maps + (1 - share) * make_targets(points, side, hidden)
    return mixed * (inside | ~known)[..., None, None]


def main(words: list[str] | None = None) -> None:
    """Distil by a command line."""
    move = {"action": "store_true", "help": "move its maps onto the labels"}
    run(__doc__, words, draw_lessons, teacher="the .pth to learn from", move=move)


if __name__ == "__main__":
    main()
