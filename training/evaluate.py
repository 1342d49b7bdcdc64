"""Measure an engine's error on the labelled faces; needs torch for a .pth alone.

python -m training.evaluate --data DIR --model FILE.pth
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from predictor.landmarks import DEFAULT
from training.faces import LANDMARKS, Bytes, FaceDataset, Floats, cut_inputs, read_faces, to_input

Locate = Callable[[Bytes], Floats]  # uint8 [N,1,96,96] -> landmarks [N,15,2]

SETS = {"london": ("london", "val"), "canada": ("canada", "test"), "helen": ("helen", "eval-only")}
BATCH = 16
LEFT_OUTER, RIGHT_OUTER = DEFAULT.unit_points  # the outer eye corners


@dataclass
class Errors:
    """The errors of K landmarks on N faces, as shares of the distance of the outer eye corners."""

    each: Floats  # [N, K]

    @property
    def faces(self) -> Floats:
        """The mean error of each face, `[N]`: its NME."""
        return np.nanmean(self.each, axis=1)

    def summary(self) -> str:
        """Say mean, median and 95th percentile of the faces' NME in percent."""
        low, high = np.percentile(100 * self.faces, [50, 95])
        mean = 100 * self.faces.mean()
        return f"n {len(self.each)}  NME mean {mean:.2f} %  median {low:.2f} %  p95 {high:.2f} %"


def evaluate_nme(run: Locate, faces: FaceDataset) -> Errors:
    """Measure `run`, a callable uint8 `[N,1,96,96]` -> landmarks `[N,15,2]` (x, y), on faces."""
    inputs = cut_inputs(faces)
    found = np.concatenate([run(inputs[i : i + BATCH]) for i in range(0, len(inputs), BATCH)])
    return measure_errors(found, to_input(faces.points))


def measure_errors(found: Floats, truth: Floats) -> Errors:
    """Divide the distances of points `[N,15,2]` by the distance of the true outer eye corners."""
    apart = np.linalg.norm(truth[:, LEFT_OUTER] - truth[:, RIGHT_OUTER], axis=-1)  # [N]
    return Errors(np.linalg.norm(found - truth, axis=-1) / apart[:, None])


def wrap_network(net, fast: bool = False) -> Locate:
    """Make a torch UNet a callable for evaluate_nme with the service's decoder; `fast` is bf16."""
    import torch

    from predictor.decode import decode_heatmaps

    def run(inputs: Bytes) -> Floats:
        x = (torch.from_numpy(inputs).float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=fast):
            logits = net.eval()(x).float()
        return decode_heatmaps(logits.contiguous().numpy())[0]

    return run


def load_run(path: str, fast: bool = False) -> Locate:
    """Load a .pth as a callable for evaluate_nme; `fast` runs it in bf16."""
    from predictor.checkpoint import load_unet

    return wrap_network(load_unet(path), fast)


def print_report(run: Locate, data: str) -> None:
    """Print the NME of each set, then each landmark's mean error, in percent."""
    errors = {name: evaluate_nme(run, read_faces(data, [part])) for name, part in SETS.items()}
    for name, error in errors.items():
        print(f"{name:8}{error.summary()}")
    print(f"\n{'':26}" + "".join(f"{name:>8}" for name in errors))
    for k, landmark in enumerate(LANDMARKS):
        means = (100 * np.nanmean(error.each[:, k]) for error in errors.values())
        print(f"{landmark:26}" + "".join(f"{mean:8.2f}" for mean in means))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of index.csv")
    parser.add_argument("--model", required=True, help="a .pth checkpoint")
    chosen = parser.parse_args()
    print_report(load_run(chosen.model), chosen.data)
