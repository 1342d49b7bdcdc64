"""Locust as its users run it: exit codes, sentences, processes."""

import os
import re
from argparse import Namespace

import pytest

from loadtest import setup
from loadtest.pictures import PORTRAIT
from tests.support.environment import end
from tools.processes import Service

FILE = ("-f", "loadtest/locustfile.py", "--headless", "--only-summary")


def run_locust(*arguments: str) -> tuple[int, str]:
    here = {key: value for key, value in os.environ.items() if "MONKEY_PATCH" not in key}
    done = end("python", "-m", "locust", *FILE, *arguments, env=here)
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    return done.returncode, said


def test_processes_share_the_load_and_the_judgement(transformer: Service):
    words = ("--processes", "2", "--steps", "2:14", "JpegUser", "JsonUser")
    code, said = run_locust("-H", transformer.url, *words)
    assert code == 0 and "target: 2" in said, said


SLOW = ("below 100000", "above 0.001 ms")


def test_what_falls_short_ends_with_1(transformer: Service, tmp_path):
    (tmp_path / "none.jpg").write_bytes(b"no picture")  # each answer is a 400
    short = ("--min-rps", "100000", "--max-p99", "0.001"), ("--picture", str(tmp_path / "none.jpg"))
    for options, reasons in zip(short, (SLOW, ("requests failed",)), strict=True):
        code, said = run_locust("-H", transformer.url, "-t", "8s", *options, "JpegUser")
        assert code == 1 and "FAILED: " in said, said
        assert all(reason in said for reason in reasons), said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "No host: name the service with -H"),
        ({"host": "http://127.0.0.1:1"}, "Nothing answers at http://127.0.0.1:1"),
        ({"host": "http://[x"}, "is not the address of a landmarks service"),
        ({"host": "HERE", "picture": "nowhere.jpg"}, "'nowhere.jpg'"),
        ({"host": "HERE", "steps": "1"}, "--steps"),
        ({"host": "HERE", "model": "nobody"}, "has no model 'nobody'"),
    ],
)
def test_nothing_to_test_gets_a_sentence(transformer: Service, given: dict, said: str):
    options: dict = {"headless": True, "host": "", "model": "unet", "host_header": "", "steps": ""}
    options |= {"picture": PORTRAIT} | given
    options["host"] = options["host"].replace("HERE", transformer.url)
    with pytest.raises((OSError, ValueError), match=re.escape(said)):
        setup.set_up(Namespace(**options))


def test_nothing_to_test_ends_with_2(transformer: Service):
    code, told = run_locust("-H", transformer.url, "-t", "20s", "GrpcUser")
    assert code == 2 and "GrpcUser needs --grpc HOST:PORT." in told


def test_a_profile_that_is_not_there_gets_a_sentence():
    done = end("python", "-m", "loadtest", "nosuch")
    assert done.returncode == 2
    assert "There is no profile 'nosuch'; there are ci, saturation, soak." in done.stderr
