"""Measure a network of any point set on the labelled faces of data folders.

python -m training.evaluate --model FILE --data FOLDER ... [--engine NAME]

Faces with a part to train on are left out where there are others. Errors are in percent of the
distance of the set's two unit points; "off" is above 10 %.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from predictor.engines import load_engine
from training.command import end_in_a_sentence
from training.faces import FaceDataset, Size, cut_inputs, read_faces
from training.index import TRAINED, Bytes, DataError, Floats, read_rows

Locate = Callable[[Bytes], Floats]  # uint8 [N,1,S,S] -> landmarks [N,K,2]
BATCH = 16
OFF = 0.10


@dataclass
class Errors:
    """The errors of K landmarks on N faces, as shares of the unit points' distance."""

    each: Floats  # [N, K]

    @property
    def faces(self) -> Floats:
        """The mean error of each face, `[N]`: its NME."""
        return np.nanmean(self.each, axis=1)

    def summary(self) -> str:
        """Say mean, median and 95th percentile of the faces' NME, and the share that is off."""
        low, high = np.percentile(100 * self.faces, [50, 95])
        mean, off = 100 * self.faces.mean(), 100 * (self.faces > OFF).mean()
        text = f"n {len(self.each)}  NME mean {mean:.2f} %  median {low:.2f} %  p95 {high:.2f} %"
        return f"{text}  off {off:.1f} %"


def measure_faces(run: Locate, faces: FaceDataset, size: Size | None = None) -> Errors:
    """Measure `run`, a callable uint8 `[N,C,H,W]` -> landmarks `[N,K,2]`, on faces."""
    inputs = cut_inputs(faces, size)
    found = np.concatenate([run(inputs[i : i + BATCH]) for i in range(0, len(inputs), BATCH)])
    truth, names = faces.frame.to_input(faces.points, size), faces.frame.landmarks
    return measure_errors(found, truth, names.unit_points)


def measure_errors(found: Floats, truth: Floats, unit: tuple[int, int]) -> Errors:
    """Divide the distances of points `[N,K,2]` by the distance of the true unit points.

    Faces without both get the mean distance of the others'.
    """
    apart = np.linalg.norm(truth[:, unit[0]] - truth[:, unit[1]], axis=-1)  # [N]
    if np.isnan(apart).all():
        raise DataError("No face has labels of the two points whose distance errors are shares of.")
    apart = np.where(np.isnan(apart), np.nanmean(apart), apart)
    return Errors(np.linalg.norm(found - truth, axis=-1) / apart[:, None])


def wrap_network(net) -> Locate:
    """Make a torch UNet a callable for measure_faces, with the service's decoder."""
    import torch

    from predictor.decode import decode_heatmaps

    def run(inputs: Bytes) -> Floats:
        x = (torch.from_numpy(inputs).float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            logits = net.eval()(x).float()
        return decode_heatmaps(logits.contiguous().numpy())[0]

    return run


def report(model: Path, data: list[Path], choice: str) -> None:
    """Print the NME of each set, then each landmark's mean error, in percent."""
    engine = load_engine(choice, model)
    rows = read_rows(data)
    others = [pair for pair in rows if pair[1]["part"] not in TRAINED]
    faces = read_faces(others or rows, engine.landmarks)
    unit = " and ".join(engine.landmarks.points[i] for i in engine.landmarks.unit_points)
    print(f"{model}, engine {engine.name}; percent of the distance of {unit}")
    if not others:
        print("no part says val: these faces may be those that it was trained on")
    found = {
        name: measure_faces(
            lambda x: engine.predict(x)[0], faces.select(faces.sets == name), engine.size
        )
        for name in np.unique(faces.sets).tolist()
    }
    for name, errors in found.items():
        print(f"{name:20} {errors.summary()}")
    print(f"\n{'':26}" + "".join(f"{name[:14]:>15}" for name in found))
    for k, landmark in enumerate(engine.landmarks.points):
        known = (errors.each[:, k][~np.isnan(errors.each[:, k])] for errors in found.values())
        means = (f"{100 * each.mean():15.2f}" if len(each) else f"{'-':>15}" for each in known)
        print(f"{landmark:26}" + "".join(means))


def main(words: list[str] | None = None) -> None:
    """Evaluate by a command line; errors are one sentence and 2."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True, type=Path, help="what LANDMARKS_MODEL takes")
    parser.add_argument("--data", required=True, type=Path, nargs="+", help="data folders")
    parser.add_argument("--engine", default="auto")
    a = parser.parse_args(words)
    with end_in_a_sentence(RuntimeError):
        report(a.model, a.data, a.engine)


if __name__ == "__main__":
    main()
