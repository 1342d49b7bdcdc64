"""The client's side of a stream: numbers that last, and points that don't shake."""

import numpy as np
import pytest

from client import Client, Follower
from client.follow import OneEuro
from tests.end_to_end.test_stream import make_frame


def test_faces_keep_their_numbers_while_others_come_and_go(transformer, astronaut):
    one, two = make_frame(astronaut), make_frame(astronaut, mirrored=True)
    with Client(f"http://127.0.0.1:{transformer.rest}") as client:
        follower = Follower(client, order="left_to_right")
        frames = [(one, 0.0), (two, 0.5), (two, 1.1), (one, 1.2), (two, 2.5), (two, 2.6)]
        seen = [sorted(follower.locate(frame, seconds)) for frame, seconds in frames]
        assert seen == [[0], [0], [0, 1], [0], [0, 2], [0, 2]]
        faces = follower.locate(make_frame(astronaut, (2, 0), True), 2.7)
    raw = follower.faces[0]["nose_tip"].x
    assert 0 < raw - faces[0]["nose_tip"].x < 2  # smoothed, and not sent back like that
    assert faces[2]["nose_tip"].x == pytest.approx(follower.faces[2]["nose_tip"].x, abs=0.5)


def test_what_stands_still_is_smoothed_and_what_moves_does_not_lag():
    noise = np.random.default_rng(1).normal(0, 0.15, 200)
    still = OneEuro()
    kept = [still([100 + value], i / 25)[0] for i, value in enumerate(noise)]
    assert np.std(kept[50:]) < 0.05 < np.std(noise)
    moving = OneEuro()
    places = [moving([20.0 * i], i / 25)[0] for i in range(50)]  # 500 pixels a second
    assert 20 * 49 - places[-1] < 8
    assert moving([1.0, 2.0], 9.0) == [1.0, 2.0]  # another number of points begins anew
