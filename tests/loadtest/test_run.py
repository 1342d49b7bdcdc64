"""Locust as its users run it: exit codes, sentences, processes."""

import os
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from loadtest import setup
from loadtest.pictures import PORTRAIT
from tools.processes import ROOT, Service

FILE = ("-f", "loadtest/locustfile.py", "--headless", "--only-summary")


def make_variables() -> dict[str, str]:
    """Return the environment for locust, without what gevent left in ours."""
    return {key: value for key, value in os.environ.items() if "MONKEY_PATCH" not in key}


def run_locust(*arguments: str) -> tuple[int, str]:
    """Run locust to its end; gives its exit code and all that it printed."""
    command = [sys.executable, "-m", "locust", *FILE, *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        env=make_variables(),
    )
    assert "Traceback" not in done.stdout, done.stdout
    return done.returncode, done.stdout


def test_every_kind_of_request_is_answered_right(transformer: Service):
    code, said = run_locust(
        *("-H", transformer.url, "--grpc", f"127.0.0.1:{transformer.grpc}"),
        *("-u", "12", "-r", "12", "-t", "12s", "--stop-timeout", "60"),
    )
    assert code == 0, said
    for name in ("image/jpeg", "application/json", "group of 8", "4 pictures", "ModelInfer"):
        assert name in said


def test_processes_share_the_load_and_the_judgement(transformer: Service):
    code, said = run_locust(
        *("-H", transformer.url, "--processes", "2"),
        *("--steps", "2:14", "JpegUser", "JsonUser"),
    )
    assert code == 0, said
    assert "target: 2" in said


@pytest.mark.parametrize(
    "options, reason",
    [
        (("--min-rps", "100000"), "below 100000"),
        (("--max-p99", "0.001"), "above 0.001 ms"),
        (("--picture", "NONE"), "requests failed"),
    ],
)
def test_what_falls_short_ends_with_1(
    transformer: Service, options: tuple[str, ...], reason: str, tmp_path: Path
):
    (tmp_path / "none.jpg").write_bytes(b"no picture")  # each answer is a 400
    places = {"NONE": str(tmp_path / "none.jpg")}
    given = [places.get(word, word) for word in options]
    code, said = run_locust("-H", transformer.url, "-t", "8s", *given, "JpegUser")
    assert code == 1 and reason in said and "FAILED: " in said, said


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
    options = {"headless": True, "host": "", "model": "unet", "host_header": "", "steps": ""}
    options |= {"picture": PORTRAIT} | given
    if given.get("host") == "HERE":
        options["host"] = transformer.url
    with pytest.raises((OSError, ValueError), match=re.escape(said)):
        setup.set_up(Namespace(**options))


def test_nothing_to_test_ends_with_2(transformer: Service):
    code, told = run_locust("-H", transformer.url, "-t", "20s", "GrpcUser")
    assert code == 2 and "GrpcUser needs --grpc HOST:PORT." in told


def test_a_profile_that_is_not_there_gets_a_sentence():
    command = [sys.executable, "-m", "loadtest", "nosuch"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "There is no profile 'nosuch'; there are ci, saturation, soak." in done.stderr
