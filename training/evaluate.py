"""Measure a network of any point set on the labelled faces of data folders.

python -m training.evaluate --model FILE --data FOLDER ... [--engine NAME]

Faces with a part to train on are left out where there are others. Errors are in percent of the
distance of the set's two unit points; "off" is above 10 %.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from predictor.convert.faces import measure_errors
from predictor.decode import decode_heatmaps
from predictor.engines import load_engine
from tools.command import command
from training import Bytes, DataError, Floats
from training.faces import FaceDataset, Size, cut_inputs, read_faces
from training.index import FOLDERS, TRAINED, read_rows

Locate = Callable[[Bytes], Floats]  # uint8 [N,C,H,W] -> landmarks [N,K,2]
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
    """Measure what locates landmarks, on faces cut to height and width."""
    inputs = cut_inputs(faces, size)
    found = np.concatenate([run(inputs[i : i + BATCH]) for i in range(0, len(inputs), BATCH)])
    truth, unit = faces.frame.to_input(faces.points, size), faces.frame.landmarks.unit_points
    if np.isnan(truth[:, list(unit)]).any(axis=(1, 2)).all():
        raise DataError("No face has labels of the two points whose distance errors are shares of.")
    return Errors(measure_errors(found, truth, unit))


def wrap_network(net) -> Locate:
    """Make a torch UNet a callable for measure_faces, with the service's decoder."""
    import torch

    def run(inputs: Bytes) -> Floats:
        x = (torch.from_numpy(inputs).float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            logits = net.eval()(x).float()
        return decode_heatmaps(logits.contiguous().numpy())[0]

    return run


def report(model: Path, data: list[Path], choice: str) -> None:
    """Print the NME of each set, then each landmark's mean error, in percent."""
    engine, rows = load_engine(choice, model), read_rows(data)
    others = [pair for pair in rows if pair[1]["part"] not in TRAINED]
    faces = read_faces(others or rows, engine.landmarks)
    points = engine.landmarks.points
    unit = " and ".join(points[i] for i in engine.landmarks.unit_points)
    print(f"{model}, engine {engine.name}; percent of the distance of {unit}")
    if not others:
        print("no part says val: these faces may be those that it was trained on")
    means = []
    for name in (names := np.unique(faces.sets).tolist()):
        mine = faces.select(faces.sets == name)
        errors = measure_faces(lambda x: engine.predict(x)[0], mine, engine.size)
        print(f"{name:20} {errors.summary()}")
        known = ~np.isnan(errors.each)
        with np.errstate(invalid="ignore"):
            means.append(100 * np.nansum(errors.each, 0) / known.sum(0))  # [K]
    print(f"\n{'':26}" + "".join(f"{name[:14]:>15}" for name in names))
    for landmark, row in zip(points, np.transpose(means), strict=True):
        print(f"{landmark:26}" + "".join(f"{mean:15.2f}" for mean in row))


def main(words: list[str] | None = None) -> None:
    """Evaluate by a command line."""
    model = "what LANDMARKS_MODEL takes"
    engine = {"default": "auto", "help": "one of predictor/engines"}
    with command(__doc__, words, model=model, data=FOLDERS, engine=engine) as asked:
        report(asked.model, asked.data, asked.engine)


if __name__ == "__main__":
    main()
