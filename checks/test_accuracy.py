"""The shipped networks keep their accuracy, as the reference runs them and as they are served."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from training.evaluate import SETS, Errors, measure_errors
from training.faces import LANDMARKS, FaceDataset, cut_inputs, read_faces, take_points, to_input
from training.measure.cuts import OFF
from training.measure.locate import load_locator
from training.measure.ranking import rank_points

LARGE, SMALL = "models/simple_unet.pth", "models/student_unet.pth"
THREE_QUARTER = ("london-3q", "val-unlabelled")
TEACHER = Path(__file__).with_name("three_quarter.csv")  # training.teacher's labels of that set


@dataclass(frozen=True)
class Limit:
    """The most that a set's mean error may be, in percent, and its faces above 10 %."""

    error: float
    off: int = 0


# As measured (MODEL_CARD.md), with room for other machines' rounding.
LIMITS = {
    (LARGE, "london"): Limit(1.55),
    (LARGE, "canada"): Limit(1.53),
    (LARGE, "helen"): Limit(3.95),
    (LARGE, "three-quarter"): Limit(2.15),
    (SMALL, "london"): Limit(1.72),
    (SMALL, "canada"): Limit(1.66),
    (SMALL, "helen"): Limit(4.25),
    (SMALL, "three-quarter"): Limit(2.55),
}
STRANGER = "helen/186403955_1.jpg"  # shows another face than its labels do
LEAST_AUROC = {LARGE: 0.88, SMALL: 0.88}  # Helen's points without the inner brows


def read_set(data: Path, name: str) -> FaceDataset:
    """Read a set; the three-quarter views with the teacher's points, where those are sure."""
    if name != "three-quarter":
        faces = read_faces(data / "faces", [SETS[name]])
        return faces.select(faces.paths != STRANGER)
    faces = read_faces(data / "faces-extra", [THREE_QUARTER])
    with open(TEACHER, newline="") as file:
        known = {row["path"]: take_points(row, LANDMARKS) for row in csv.DictReader(file)}
    faces.points = np.array([known[path] for path in faces.paths], np.float32)
    return faces


@cache
def locate_set(data: Path, engine: str, model: str, name: str) -> tuple[Errors, np.ndarray]:
    """Locate a set's landmarks once: errors and scores."""
    faces = read_set(data, name)
    points, scores = load_locator(model, engine)(cut_inputs(faces))
    errors = measure_errors(points, to_input(faces.points))
    print(f"\n{model}, {engine}, {name}: {errors.summary()}")
    return errors, scores


@pytest.mark.parametrize("engine", ["eager", "auto"])
@pytest.mark.parametrize("model, name", LIMITS)
def test_the_error_is_within_its_limit(data, engine, model, name):
    errors, _ = locate_set(data, engine, model, name)
    limit = LIMITS[model, name]
    assert 100 * errors.faces.mean() <= limit.error
    assert (errors.faces > OFF).sum() <= limit.off


@pytest.mark.parametrize("model", LEAST_AUROC)
def test_scores_tell_wrong_points_from_right_ones(data, model):
    errors, scores = locate_set(data, "auto", model, "helen")
    _, rest = rank_points(errors.each, scores)
    print(f"\n{model}: AUROC without inner brows {rest:.3f}")
    assert rest >= LEAST_AUROC[model]


def test_the_served_engine_is_within_a_hundredth_of_the_reference(data):
    eager, auto = (locate_set(data, engine, LARGE, "canada")[0] for engine in ("eager", "auto"))
    assert auto.faces.mean() <= 1.01 * eager.faces.mean()
