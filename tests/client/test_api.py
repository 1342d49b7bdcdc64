"""The client as a library: one picture, many, shrunk, and what it does when the service can't."""

import io
import itertools
import json
import threading
import time

import numpy as np
import pytest
from PIL import Image

from client import Client, Face, ServiceError, locate, to_dataframe
from tests.client.conftest import CONFIG, DRAWN, FACES, NAMES, make_faces


def refuse(code: str, status: int = 429, wait: str = "0"):
    return status, {"error": "Not now.", "code": code}, {"retry-after": wait}


def test_a_picture_has_faces_with_named_points(script, tmp_path):
    file = tmp_path / "face.jpg"
    file.write_bytes(b"face")
    with Client(script.url) as client:
        result = client.locate(file)
    assert [point.name for point in result[0].points] == NAMES
    assert (result[0]["nose_tip"].x, result[0]["nose_tip"].y) == (3.0, 4.0)
    assert result.name == str(file) and len(result) == 1 and result.drawing is None
    assert (result[0].box_score, result[0].face_score) == (0.95, 0.85)
    assert locate(b"face", script.url) == list(result)


def test_trust_begins_where_the_model_says_and_at_a_default(script, monkeypatch):
    assert not locate(b"face", script.url)[0].trusted  # 0.85 of the scripted model's 0.9
    monkeypatch.delitem(CONFIG["parameters"], "low")
    assert locate(b"face", script.url)[0].trusted


def test_any_number_of_points_is_read(script, monkeypatch):
    points = [f"p{i}" for i in range(478)]
    script.queue = [(200, make_faces([(0.5, 0.5)] * 478), {})]
    monkeypatch.setitem(CONFIG["parameters"], "points", {"string_value": json.dumps(points)})
    (face,) = locate(b"face", script.url)
    assert [point.name for point in face.points] == points and face["p477"].y == 0.5


def test_names_are_asked_for_again_when_the_set_changes(script, monkeypatch):
    with Client(script.url) as client:
        client.locate(b"face")
        other = {"string_value": json.dumps(["a", "b"])}
        monkeypatch.setitem(CONFIG["parameters"], "points", other)
        assert client.locate(b"face")[0].points[0].name == NAMES[0]
        script.queue = [(200, FACES, {"landmarks-set": "new"})]
        assert client.locate(b"face")[0].points[0].name == "a"
        other["string_value"] = '["a"]'
        script.queue = [(200, FACES, {"landmarks-set": "newer"})]
        with pytest.raises(ServiceError, match="2 points, but names 1"):
            client.locate(b"face")


def test_the_address_comes_from_the_environment_and_needs_no_scheme(script, monkeypatch):
    monkeypatch.setenv("LANDMARKS_URL", script.url.removeprefix("http://"))
    assert len(Client().locate(b"face")) == 1


@pytest.mark.parametrize("code", ["overloaded", "not_ready", "predictor_unavailable"])
def test_what_may_pass_is_asked_again(script, code):
    script.queue = [refuse(code), refuse(code)]
    with Client(script.url, retries=2) as client:
        assert len(client.locate(b"face")) == 1
    assert len(script.seen) == 3


def test_what_will_not_pass_is_asked_once(script):
    with Client(script.url) as client, pytest.raises(ServiceError, match="That is no picture"):
        client.locate(b"bad")
    assert len(script.seen) == 1
    script.queue = [refuse("overloaded"), refuse("overloaded", wait="86400")]
    with pytest.raises(ServiceError, match=r"overloaded: Not now\."):
        locate(b"face", script.url)  # which doesn't ask again
    with Client(script.url) as client, pytest.raises(ServiceError, match="overloaded"):
        client.locate(b"face")  # who shall come back tomorrow is told now
    assert len(script.seen) == 3


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("7", 7, 8), *((text, 0, 1) for text in ("soon", "-5", "nan", "Mon, 99 Foo 2020"))],
)
def test_retry_after_is_waited_for(script, monkeypatch, text, least, most):
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    script.queue = [refuse("overloaded", wait=text), refuse("not_ready", 503, text)]
    with Client(script.url) as client:
        assert len(client.locate(b"face")) == 1
    waits = [wait for wait in waits if wait]
    assert len(script.seen) == 3 and waits and all(least <= wait < most for wait in waits), waits


def test_what_took_too_long_is_not_asked_again(script):
    script.delay = 1.0
    with Client(script.url, timeout=0.2) as client, pytest.raises(ServiceError) as caught:
        client.locate(b"face")
    assert caught.value.code == "no_answer" and len(script.seen) == 1


OTHERS: list = [b"<html>", [], {}, {"outputs": 3}, {"outputs": [{"name": "landmarks"}]}]
OTHERS += [{"outputs": FACES["outputs"][:2]}]
OTHERS += [{"outputs": [{**FACES["outputs"][0], "data": [1, 2]}, *FACES["outputs"][1:]]}]
PROXYS: list = [b"<html>", [], {"error": None}, "text"]


@pytest.mark.parametrize(
    "status, body, said",
    [(200, body, "other_service") for body in OTHERS]
    + [(502, body, "answers 502") for body in PROXYS],
)
def test_what_another_service_or_a_proxy_answers_is_told(script, status, body, said):
    script.queue = [(status, body, {})]
    with pytest.raises(ServiceError, match=said):
        locate(b"face", script.url)


@pytest.mark.parametrize("url", ["no address", "http://[::1", "ftp://127.0.0.1", "http://"])
def test_a_bad_address_is_told_at_once(url):
    with pytest.raises(ServiceError, match="bad_address: "):
        Client(url).locate(b"face")


def test_a_path_that_cannot_be_read_is_told(script, tmp_path):
    for path in (tmp_path, tmp_path / "none.jpg", "a\0b"):
        with pytest.raises(ServiceError, match="unreadable"):
            Client(script.url).locate(path)


def test_many_pictures_keep_their_order_and_their_errors(script):
    contents = [b"face %d" % i if i % 5 else b"bad %d" % i for i in range(40)]
    with Client(script.url) as client:
        results = list(client.locate_many(contents))
    assert [result.picture for result in results] == contents
    assert [bool(result.error) for result in results] == [i % 5 == 0 for i in range(40)]
    assert len(script.seen) == 40


def test_pictures_may_be_without_end(script):
    with Client(script.url, threads=2) as client:
        results = client.locate_many(b"face" for _ in itertools.count())
        assert [len(next(results)) for _ in range(10)] == [1] * 10
        results.close()
    assert len(script.seen) <= 14
    assert not [t for t in threading.enumerate() if t.name.startswith("landmarks")]


def test_results_become_a_table(script):
    with Client(script.url) as client:
        frame = to_dataframe(client.locate_many([b"face", b"none", b"bad"]))
    assert list(frame["point"]) == NAMES and list(frame["x"]) == [1.0, 3.0]
    assert set(frame["box_score"]) == {0.95} and set(frame["face_score"]) == {0.85}
    assert list(to_dataframe([]).columns) == list(frame.columns)


def test_a_drawing_is_the_services(script):
    with Client(script.url) as client:
        result = client.locate(b"face", draw=True)
        assert result.drawing == result._repr_png_() == client.draw(b"face") == DRAWN + b"face"
        many = client.locate_many([b"face", b"bad"], draw=True)
        assert [each.drawing for each in many] == [DRAWN + b"face", None]


def test_a_requests_own_choices_are_passed_on(script):
    with Client(script.url) as client:
        client.locate(b"face", draw=True, max_faces=1, order="size")
        list(client.locate_many([b"face"], detect="thorough"))
    infer = "/v2/models/unet/infer"
    assert script.paths == [f"{infer}?max_faces=1&order=size"] * 2 + [f"{infer}?detect=thorough"]


TURNED = 6  # by EXIF: the picture lies on its side


@pytest.fixture(scope="module")
def photo(astronaut: bytes) -> bytes:
    """A portrait of 9 megapixels, on its side."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = TURNED
    picture = (
        Image.open(io.BytesIO(astronaut)).resize((2500, 3601)).transpose(Image.Transpose.ROTATE_90)
    )
    picture.save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


def list_points(face: Face) -> np.ndarray:
    return np.array([(point.x, point.y) for point in face.points])


def test_points_are_in_the_pixels_of_the_photograph(transformer, photo):
    with Client(f"http://127.0.0.1:{transformer.rest}") as client:
        (whole,), small = client.locate(photo), client.locate(photo, shrink=True)
        rough = client.locate(photo, shrink=True, detect="fast")
    assert (whole.trusted, small.sent, rough.sent) == (True, (1066, 1536), (533, 768))
    points, box = list_points(whole), np.array(whole.box)
    for face in (small[0], rough[0]):
        assert np.abs(list_points(face) - points).mean() < 0.01 * (box[2] - box[0])
        assert np.abs(box - face.box).max() < 0.05 * (box[2] - box[0])


def test_fewer_bytes_go_and_only_of_large_photographs(script, photo, astronaut):
    with Client(script.url) as client:
        result = client.locate(photo, shrink=True, draw=True)
        assert len(script.seen[0]) < len(photo) / 4 and result.to_dict()["sent"] == result.sent
        assert Image.open(io.BytesIO(script.seen[0])).getexif()[0x0112] == TURNED
        assert script.paths[0].endswith("?detect=default")
        assert [(p.x, p.y) for p in result[0].points] == [(3.02, 5.36), (7.71, 10.05)]
        for left in (photo[:-999] + b"none", astronaut, b"face", b"bad"):
            assert all(r.sent is None for r in client.locate_many([left], shrink=True))
            assert script.seen[-1] == left
        assert client.locate(photo, shrink=True, detect="thorough").sent is None
        with pytest.raises(ValueError, match="all of"):
            client.locate(photo, shrink=True, outputs=["pose"])
