"""Aligned crops lie where the labelled eyes, nose and mouth would have put them."""

from pathlib import Path

import numpy as np
import pytest

from predictor.engines import load_engine
from predictor.landmarks import DEFAULT
from tests.data.test_accuracy import LARGE, read_set
from training.faces import cut_inputs
from transformer.outputs.aligned import fit_similarities, read_template
from transformer.outputs.five import find_five


@pytest.mark.parametrize("name, limit", [("canada", 0.5), ("london", 0.5)])
def test_the_labelled_points_land_where_their_own_fit_puts_them(data, name, limit):
    """The mean distance, in pixels of arcface112, over the five points of all faces."""
    faces, template = read_set(data, name), read_template({}).points
    inputs, engine = cut_inputs(faces), load_engine("auto", Path(LARGE))
    parts = [engine.predict(inputs[i : i + 16])[0] for i in range(0, len(inputs), 16)]
    found = find_five(DEFAULT, faces.frame.to_crop(np.concatenate(parts)))
    labelled = find_five(DEFAULT, faces.points)
    landed = [
        np.einsum("fij,fpj->fpi", maps[:, :, :2], labelled) + maps[:, None, :, 2]
        for maps in (fit_similarities(points, template) for points in (found, labelled))
    ]
    far = np.linalg.norm(landed[0] - landed[1], axis=2)
    print(f"\n{name}: mean {far.mean():.2f}, 95 % below {np.quantile(far, 0.95):.2f} pixels of 112")
    assert far.mean() <= limit
