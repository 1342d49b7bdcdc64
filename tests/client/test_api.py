"""The client as a library: one picture, many, and what it does when the service can't."""

import itertools
import json
import math
import threading
import time

import pytest

from client import Client, ServiceError, locate, to_dataframe
from tests.client.service import CONFIG, DRAWN, FACES, NAMES


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
    shapes = {"landmarks": [1, 478, 2], "scores": [1, 478]}
    grown = [
        out | {"shape": shapes[out["name"]], "data": [0.5] * math.prod(shapes[out["name"]])}
        if out["name"] in shapes
        else out
        for out in FACES["outputs"]
    ]
    script.queue = [(200, {"outputs": grown}, {})]
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


def test_the_address_comes_from_the_environment(script, monkeypatch):
    monkeypatch.setenv("LANDMARKS_URL", script.url)
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
    script.queue = [refuse("overloaded")]
    with pytest.raises(ServiceError, match=r"overloaded: Not now\."):
        locate(b"face", script.url)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("7", 7, 8),
        *((text, 0, 1) for text in ("soon", "-5", "nan", "Mon, 99 Foo 2020")),
    ],
)
def test_retry_after_is_waited_for(script, monkeypatch, text, least, most):
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    script.queue = [refuse("overloaded", wait=text), refuse("not_ready", 503, text)]
    with Client(script.url) as client:
        assert len(client.locate(b"face")) == 1
    waits = [wait for wait in waits if wait]
    assert len(script.seen) == 3 and waits and all(least <= wait < most for wait in waits), waits


def test_who_shall_come_back_tomorrow_is_told_now(script):
    script.queue = [refuse("overloaded", wait="86400")]
    with Client(script.url) as client, pytest.raises(ServiceError, match=r"overloaded: Not now\."):
        client.locate(b"face")
    assert len(script.seen) == 1


def test_what_took_too_long_is_not_asked_again(script):
    script.delay = 1.0
    with Client(script.url, timeout=0.2) as client, pytest.raises(ServiceError) as caught:
        client.locate(b"face")
    assert caught.value.code == "no_answer" and len(script.seen) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        [],
        {},
        {"outputs": 3},
        {"outputs": [{"name": "landmarks"}]},
        {"outputs": FACES["outputs"][:2]},
        {"outputs": [{**FACES["outputs"][0], "data": [1, 2]}, *FACES["outputs"][1:]]},
    ],
)
def test_another_service_is_told_from_ours(script, body):
    script.queue = [(200, body, {})]
    with pytest.raises(ServiceError) as caught:
        locate(b"face", script.url)
    assert caught.value.code == "other_service"


@pytest.mark.parametrize("body", [b"<html>", [], {"error": None}, "text"])
def test_a_proxys_error_is_told(script, body):
    script.queue = [(502, body, {})]
    with pytest.raises(ServiceError, match="answers 502"):
        locate(b"face", script.url)


@pytest.mark.parametrize("url", ["no address", "http://[::1", "ftp://127.0.0.1", "http://"])
def test_a_bad_address_is_told_at_once(url):
    with pytest.raises(ServiceError) as caught:
        Client(url).locate(b"face")
    assert caught.value.code == "bad_address"


def test_an_address_needs_no_scheme(script):
    with Client(script.url.removeprefix("http://")) as client:
        assert len(client.locate(b"face")) == 1


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
        assert [each.drawing for each in client.locate_many([b"face", b"bad"], draw=True)] == [
            DRAWN + b"face",
            None,
        ]


def test_a_requests_own_choices_are_passed_on(script):
    with Client(script.url) as client:
        client.locate(b"face", draw=True, max_faces=1, order="size")
        list(client.locate_many([b"face"], detect="thorough"))
    infer = "/v2/models/unet/infer"
    assert script.paths == [f"{infer}?max_faces=1&order=size"] * 2 + [f"{infer}?detect=thorough"]
