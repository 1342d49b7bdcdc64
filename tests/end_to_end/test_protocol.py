"""Every documented way to ask, of real processes, and what goes on between the bytes."""

import json
import re
import time
from functools import partial

import numpy as np
import pytest
import requests

from client import locate
from predictor.landmarks import DEFAULT
from tests.support.ask import JPEG, ask_grpc, ask_jpeg, ask_rest
from tests.support.load import wait_for
from tests.support.picture_files import encode
from tests.support.raw_http import INFER, connect, read_answer, write_request
from tools.processes import Service
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


@pytest.fixture(scope="module")
def strict(start_transformer):
    return start_transformer(head_seconds="3", max_body_bytes="200000")


def test_a_refused_body_leaves_the_connection_usable(strict):
    with requests.Session() as session:
        for _ in range(3):
            answer = session.post(strict.url + INFER, data=bytes(300_000))
            assert answer.status_code == 413
            assert session.get(f"{strict.url}/v2/health/live").ok
            answer = session.post(strict.url + INFER, data=(bytes(1000) for _ in range(400)))
            assert answer.status_code == 413  # in chunks, of no told length
            answer = session.post(strict.url + "/v2/models/none/infer", data=b"x" * 9999)
            assert answer.status_code == 404
    with connect(strict) as connection:
        for _ in range(2):
            connection.sendall(write_request(bytes(300_000)))
            assert read_answer(connection)[0] == 413
        connection.sendall(write_request(b"", method="GET", path="/v2/health/live"))
        assert read_answer(connection)[0] == 200


def test_a_caller_who_hangs_up_costs_no_place(strict, astronaut):
    whole = write_request(astronaut, "Content-Type: image/jpeg")
    for i in range(60):
        with connect(strict) as connection:
            connection.sendall(whole if i % 2 else whole[: len(whole) // 2])

    def look() -> str:
        text = requests.get(f"{strict.url}/metrics").text
        cancelled = re.search(r'requests_total\{code="cancelled",[^}]*\} ([\d.]+)', text)
        seen = cancelled and float(cancelled[1]) >= 30
        none = 'inflight_requests{service="transformer"} 0.0', "landmarks_pending_pictures 0.0"
        return text if seen and all(gauge in text for gauge in none) else ""

    assert 'code="internal"' not in wait_for(look)


def read_timings(answer: requests.Response) -> dict[str, float]:
    told = re.findall(r"(\w+);dur=([\d.]+)", answer.headers["server-timing"])
    return {name: float(value) for name, value in told}


def read_lines(service: Service, part: str) -> list[str]:
    """Read the lines of a log that have a part; the log is written by a thread of its own."""
    return [line for line in service.log.read_text().splitlines() if part in line]


def test_ids_and_timings_go_through_both_services(services, astronaut):
    _, transformer = services
    name, trace = f"trace-me-{time.time_ns()}", "0af7651916cd43dd8448eb211c80319c"
    headers = {"x-request-id": name, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = requests.post(transformer.url + INFER, data=astronaut, headers=JPEG | headers)
    assert answer.status_code == 200 and answer.headers["x-request-id"] == name
    for service in services:
        (line,) = wait_for(partial(read_lines, service, name))
        assert json.loads(line)["code"] == "ok" and json.loads(line)["trace_id"] == trace
    timings = read_timings(answer)
    assert set(timings) >= {"decode", "detect", "crop", "queue", "infer", "total"}
    assert timings["faces"] + timings["predict"] <= timings["total"] + 0.1
    assert timings["queue"] + timings["infer"] <= timings["predict"] + 0.1


def test_a_large_tensor_passes_through_the_transformer(transformer):
    """12 faces of 512x512 in colour are 9.4 MB: more than a gRPC message is by default."""
    answer = ask_grpc(transformer, {"face": np.zeros((12, 3, 512, 512), np.uint8)})
    assert answer["landmarks"].shape == (12, 15, 2)
