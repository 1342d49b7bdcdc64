"""One number for a face: all points count, and one hopeless point tells."""

import numpy as np
import pytest

from transformer.trust import score_faces


def test_a_face_is_as_good_as_its_points() -> None:
    scores = np.full((3, 15), 0.9, np.float32)
    scores[1, 4], scores[2] = 0.01, 0
    found = score_faces(scores)
    assert found.dtype == np.float32 and found[0] == pytest.approx(0.9)
    assert 0.6 < found[1] < 0.7 and 0 <= found[2] < 1e-5
    assert score_faces(np.empty((0, 15), np.float32)).shape == (0,)
