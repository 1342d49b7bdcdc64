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


@pytest.mark.parametrize("engine", ["eager", "auto"])
@pytest.mark.parametrize("model, name", LIMITS)
def test_the_error_is_within_its_limit(data, engine, model, name):
    faces = read_faces(data / "faces", [SETS[name]])
    loaded = load_engine(engine, Path(model))
    error = evaluate_nme(lambda inputs: loaded.locate(inputs)[0], faces)
    found = 100 * float(error.faces.mean())
    print(f"\n{model}, {loaded.name}, {name}: NME {found:.2f} %")
    assert found <= LIMITS[model, name]


def test_the_served_engine_is_within_a_hundredth_of_the_reference(data):
    faces = read_faces(data / "faces", [SETS["canada"]])
    errors = {}
    for engine in ("eager", "auto"):
        loaded = load_engine(engine, Path("models/simple_unet.pth"))
        errors[engine] = evaluate_nme(lambda i, e=loaded: e.locate(i)[0], faces).faces.mean()
    assert errors["auto"] <= 1.01 * errors["eager"], errors
