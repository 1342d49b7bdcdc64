"""Real processes, a real picture: every documented way to ask gives the same points."""

import numpy as np
import requests

from client import locate
from predictor.landmarks import DEFAULT
from tests.support.ask import ask_grpc, ask_jpeg, ask_rest
from tests.support.picture_files import encode
from transformer.model import Transformer

# Set by eye on the 512x512 picture, enlarged tenfold.
BY_EYE = {
    "left_eye_center": (246, 103.5),
    "right_eye_center": (203, 100.5),
    "left_eye_inner_corner": (237, 105),
    "left_eye_outer_corner": (259, 104),
    "right_eye_inner_corner": (211, 103),
    "right_eye_outer_corner": (193, 100),
    "nose_tip": (223.5, 127),
    "mouth_left_corner": (244, 141),
    "mouth_right_corner": (202.5, 140),
    "mouth_center_top_lip": (223, 141),
}


def test_the_points_are_where_they_look_to_be(transformer, astronaut):
    (face,) = locate(astronaut, transformer.url)
    points = {point.name: (point.x, point.y) for point in face.points}
    assert tuple(points) == DEFAULT.points
    for name, by_eye in BY_EYE.items():
        assert np.hypot(*np.subtract(points[name], by_eye)) < 4, (name, points[name])
    x0, y0, x1, y1 = face.box
    assert all(x0 - 5 < x < x1 + 5 and y0 - 5 < y < y1 + 5 for x, y in points.values())


def test_every_transport_gives_the_same_answer(transformer, astronaut):
    plain = ask_jpeg(transformer, astronaut)
    coded, over_grpc = (ask(transformer, {"image": [astronaut]}) for ask in (ask_rest, ask_grpc))
    for name, array in plain.items():
        np.testing.assert_allclose(coded[name], array, atol=1e-3, err_msg=name)
        np.testing.assert_allclose(over_grpc[name], array, atol=1e-3, err_msg=name)


def test_two_pictures_of_which_one_has_no_face(transformer, astronaut):
    grey = encode(np.full((64, 64, 3), 128, np.uint8), "PNG")
    outputs = ask_rest(transformer, {"image": [grey, astronaut]})
    assert outputs["image_index"].tolist() == [1]
    outputs = ask_rest(transformer, {"image": [grey]})
    assert outputs["landmarks"].shape == (0, 15, 2)


def test_a_face_goes_straight_to_the_predictor(predictor, transformer):
    face = np.load("predictor/golden_face.npy")
    direct, passed = (ask_rest(service, {"face": face}) for service in (predictor, transformer))
    assert list(direct) == ["landmarks", "scores"]
    np.testing.assert_allclose(direct["landmarks"], passed["landmarks"], atol=1e-3)
    same = ask_rest(predictor, {"face": (face / 255).astype(np.float32)})
    np.testing.assert_allclose(same["landmarks"], direct["landmarks"], atol=0.3)


def test_heatmaps_come_only_when_asked_for(predictor):
    face = np.load("predictor/golden_face.npy")
    outputs = ask_rest(predictor, {"face": face}, ["heatmaps"])
    assert list(outputs) == ["heatmaps"] and outputs["heatmaps"].shape == (1, 15, 96, 96)


def test_health_and_metadata(predictor, transformer):
    for service in (predictor, transformer):
        for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/unet/ready"):
            assert requests.get(service.url + path).status_code == 200, path
    metadata = requests.get(f"{transformer.url}/v2/models/unet").json()
    for part, specs in (("inputs", Transformer.inputs), ("outputs", Transformer.outputs)):
        assert [entry["name"] for entry in metadata[part]] == [spec.name for spec in specs]
    assert len(Transformer.outputs) == len({spec.name for spec in Transformer.outputs}) == 16
    metadata = requests.get(f"{predictor.url}/v2/models/unet").json()
    assert [entry["name"] for entry in metadata["inputs"]] == ["face"]
    assert [entry["name"] for entry in metadata["outputs"]] == ["landmarks", "scores", "heatmaps"]
    assert "landmarks_inflight_requests" in requests.get(f"{predictor.url}/metrics").text
