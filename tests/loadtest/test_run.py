"""Locust as its users run it: exit codes, sentences, processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
        timeout=120,
        env=make_variables(),
    )
    assert "Traceback" not in done.stdout, done.stdout
    return done.returncode, done.stdout


def test_every_kind_of_request_is_answered_right(transformer: Service):
    code, said = run_locust(
        *("-H", transformer.url, "--grpc", f"127.0.0.1:{transformer.grpc}"),
        *("-u", "12", "-r", "12", "-t", "12s", "--bad", "0.3"),
    )
    assert code == 0, said
    for name in ("image/jpeg", "binary", "group of 8", "4 pictures", "bad request", "ModelInfer"):
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
    code, said = run_locust("-H", transformer.url, "-t", "3s", *given, "JpegUser")
    assert code == 1 and reason in said and "FAILED: " in said, said


NOTHING_TO_TEST = [
    ((), "No host: name the service with -H"),
    (("-H", "http://127.0.0.1:1"), "Nothing answers at http://127.0.0.1:1"),
    (("-H", "http://[x"), "is not the address of a landmarks service"),
    (("--picture", "EMPTY", "-H", "HERE"), "has no JPEG, PNG or WebP file."),
    (("--picture", "nowhere.jpg", "-H", "HERE"), "'nowhere.jpg'"),
    (("-H", "HERE", "--steps", "1"), "--steps"),
    (("-H", "HERE", "--bad", "2"), "--bad 2 is not a share"),
    (("-H", "HERE", "GrpcUser"), "GrpcUser needs --grpc HOST:PORT."),
    (("-H", "HERE", "--model", "nobody", "JpegUser"), "has no model 'nobody'"),
]


@pytest.fixture(scope="module")
def refusals(transformer: Service, tmp_path_factory) -> list[tuple[int, str]]:
    """The exit code and the words of each start that has nothing to test; one import for all."""
    places = {"HERE": transformer.url, "EMPTY": str(tmp_path_factory.mktemp("empty"))}
    starts = [
        [*FILE, "-t", "20s", *(places.get(word, word) for word in options)]
        for options, _ in NOTHING_TO_TEST
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.loadtest.forked"],
        cwd=ROOT,
        input="".join(json.dumps(start) + "\n" for start in starts),
        capture_output=True,
        text=True,
        timeout=200,
        env=make_variables(),
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("number", range(len(NOTHING_TO_TEST)))
def test_nothing_to_test_ends_with_2_and_a_sentence(refusals: list, number: int):
    code, said = refusals[number]
    assert code == 2 and NOTHING_TO_TEST[number][1] in said, said
    assert "Traceback" not in said


def test_a_profile_that_is_not_there_gets_a_sentence():
    command = [sys.executable, "-m", "loadtest", "nosuch"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "There is no profile 'nosuch'; there are ci, saturation, soak." in done.stderr
