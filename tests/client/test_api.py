"""The client as a library: one picture, many, and what it does when the service can't."""

import itertools
import threading
import time
from email.utils import formatdate

import pytest

from client import Client, Result, ServiceError, locate, to_dataframe
from client.over_rest import read_retry_after
from client.retries import ask_patiently
from tests.client.service import FACES, NAMES


def refuse(code: str, status: int = 429, wait: str = "0"):
    return status, {"error": "Not now.", "code": code}, {"retry-after": wait}


def test_a_picture_has_faces_with_named_points(script, tmp_path):
    file = tmp_path / "face.jpg"
    file.write_bytes(b"face")
    with Client(script.url) as client:
        result = client.locate(file)
    assert [point.name for point in result[0].points] == NAMES
    assert (result[0]["nose_tip"].x, result[0]["nose_tip"].y) == (3.0, 4.0)
    assert result.name == str(file) and len(result) == 1
    assert locate(b"face", script.url) == list(result)


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


def test_retry_after_is_honoured():
    waits: list[float] = []

    def ask():
        if len(waits) < 2:
            raise ServiceError("overloaded", "Not now.", retry_after=7)
        return "done"

    assert ask_patiently(ask, 3, waits.append) == "done"
    assert all(7 < wait < 8 for wait in waits) and len(waits) == 2

    def ask_tomorrow():
        raise ServiceError("overloaded", "Not today.", retry_after=86400)

    with pytest.raises(ServiceError, match="Not today"):
        ask_patiently(ask_tomorrow, 3, waits.append)
    assert len(waits) == 2


@pytest.mark.parametrize("text", ["", "soon", "-5", "nan", "inf", "1e9", "Mon, 99 Foo 2020"])
def test_a_retry_after_without_sense_is_none(text):
    assert read_retry_after(text) is None


def test_a_retry_after_may_be_a_date():
    assert 50 < (read_retry_after(formatdate(time.time() + 60, usegmt=True)) or 0) <= 60
    assert read_retry_after(formatdate(0, usegmt=True)) == 0
    assert read_retry_after("12") == 12


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        [],
        {},
        {"outputs": 3},
        {"outputs": [{"name": "landmarks"}]},
        {"outputs": FACES["outputs"][:2]},
        {"outputs": [{**FACES["outputs"][0], "shape": [9, 9]}]},
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
    done: list[int] = []
    with Client(script.url) as client:
        results = list(client.locate_many(contents, progress=done.append))
    assert [result.picture for result in results] == contents
    assert [bool(result.error) for result in results] == [i % 5 == 0 for i in range(40)]
    assert done == list(range(1, 41)) and len(script.seen) == 40


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
    assert list(Result("empty", b"").to_dataframe().columns) == list(frame.columns)


def test_a_notebook_shows_the_drawn_picture(script, astronaut):
    with Client(script.url) as client:
        assert (client.locate(astronaut)._repr_png_() or b"").startswith(b"\x89PNG")
    assert Result("failed", b"", error=ServiceError("overloaded", ""))._repr_png_() is None
