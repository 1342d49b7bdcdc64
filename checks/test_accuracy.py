"""The shipped networks keep their accuracy, as the reference runs them and as they are served."""

from pathlib import Path

import pytest

from predictor.engines import load_engine
from training.evaluate import SETS, evaluate_nme
from training.faces import read_faces

# Percent of the distance of the outer eye corners, measured on 218 faces and 40 (MODEL_CARD.md),
# with room for other machines' rounding.
LIMITS = {
    ("models/simple_unet.pth", "canada"): 1.9,
    ("models/simple_unet.pth", "helen"): 5.2,
    ("models/student_unet.pth", "canada"): 1.9,
    ("models/student_unet.pth", "helen"): 5.8,
}


def measure_error(data: Path, engine: str, model: str, name: str) -> float:
    """Measure the NME of a model on a set, in percent."""
    loaded = load_engine(engine, Path(model))
    faces = read_faces(data / "faces", [SETS[name]])
    error = evaluate_nme(lambda inputs: loaded.locate(inputs)[0], faces)
    found = 100 * float(error.faces.mean())
    print(f"\n{model}, {loaded.name}, {name}: NME {found:.2f} %")
    return found


@pytest.mark.parametrize("engine", ["eager", "auto"])
@pytest.mark.parametrize("model, name", LIMITS)
def test_the_error_is_within_its_limit(data, engine, model, name):
    found = measure_error(data, engine, model, name)
    assert found <= LIMITS[model, name]


def test_the_served_engine_is_within_a_hundredth_of_the_reference(data):
    model = "models/simple_unet.pth"
    eager, auto = (measure_error(data, engine, model, "canada") for engine in ("eager", "auto"))
    assert auto <= 1.01 * eager
