"""The comparison with peers: bodies, medians, the page, and who can't take part."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.peers import __main__ as command
from bench.peers.bodies import FORMS, read_points
from bench.peers.install import find_missing
from bench.peers.medians import find_cell
from bench.peers.page import write_page
from bench.peers.table import SERVERS

FACE = np.arange(96 * 96, dtype=np.uint8).reshape(1, 1, 96, 96)
POINTS = np.arange(60, dtype=float).reshape(2, 15, 2)


def make_cell(speed: float, **more: object) -> dict:
    cell = {"per_second": speed, "p50": 5.0, "p99": 9.0, "cpu_ms": 4.0, "failed": 0}
    return {"cells": {"face": {"16": cell | more}}, "start_s": 1.0, "pss_mb": {"face": 100}}


def make_result(rounds: dict[str, list[dict]]) -> dict:
    return {
        "machine": {"commit": "abc", "cpus": 2, "cpu": "CPU", "load": 0.1},
        "date": "2026-11-25",
        "minutes": 1,
        "words": "quick",
        "plan": {"seconds": 3, "rounds": 3},
        "detector": "yunet.onnx",
        "versions": {"fastapi": {"fastapi": "1.2.3"}},
        "rounds": rounds,
        "faults": {},
    }


@pytest.mark.parametrize("name", sorted(FORMS))
def test_every_server_s_forms_of_bodies_carry_what_is_sent(name: str):
    content, kind, more = FORMS[name](FACE, [b"picture"])
    assert content and kind
    if "Inference-Header-Content-Length" in more:
        length = int(more.split(": ")[1])
        (tensor,) = json.loads(content[:length])["inputs"]
        assert len(content) - length == tensor["parameters"]["binary_data_size"]


@pytest.mark.parametrize(
    "answer",
    [
        {"landmarks": POINTS.tolist(), "scores": []},  # faces
        {"landmarks": [POINTS.tolist()]},  # the faces of one picture
        {"landmarks": [[POINTS[0].tolist()], [POINTS[1].tolist()]]},  # of two
        POINTS.tolist(),  # BentoML's array
        {
            "outputs": [
                {"name": "landmarks", "shape": [2, 15, 2], "data": POINTS.ravel().tolist()},
            ]
        },
    ],
)
def test_every_server_s_answers_are_read(answer):
    assert np.array_equal(read_points(json.dumps(answer).encode()), POINTS)


def test_what_pytriton_fills_up_is_no_face():
    padded = np.concatenate([POINTS, np.full((1, 15, 2), np.nan)])
    data = [None if np.isnan(v) else v for v in padded.ravel()]
    output = {"name": "landmarks", "shape": [1, 3, 15, 2], "data": data}
    assert np.array_equal(read_points(json.dumps({"outputs": [output]}).encode()), POINTS)


def test_rounds_become_medians_and_failures_add_up():
    rows = [make_cell(10.0, failed=1), make_cell(30.0), make_cell(20.0, failed=2), {"problem": "x"}]
    cell = find_cell(rows, "face", "16")
    assert cell is not None
    assert (cell.per_second, cell.failed, cell.spread) == (20.0, 3, 1.0)
    assert find_cell(rows, "face", "64") is None


def test_the_page_shows_who_wins_and_why_one_is_missing(tmp_path: Path):
    rounds = {"ours-one": [make_cell(10.0)], "fastapi": [make_cell(20.0, p99=30.0)]}
    write_page(make_result(rounds | {"rayserve": [{"problem": "It went away."}]}), tmp_path)
    page = (tmp_path / "PEERS.md").read_text()
    assert "| FastAPI | **20**, 5 / 30, **4** |" in page
    assert "| ours, one process | 10, 5 / **9**, **4** |" in page
    assert "| Ray Serve | It went away. |" in page and "fastapi 1.2.3" in page
    assert (tmp_path / "a-face.svg").is_file()


def test_a_server_without_an_environment_says_so_in_its_row():
    gone = replace(SERVERS[0], commands=(("/nowhere/bin/python",),))
    assert find_missing(gone, "yunet.onnx").missing == "It is not installed: `make peers-setup`."


def test_what_a_user_would_write_takes_yunet_alone():
    server = next(s for s in SERVERS if s.name == "fastapi-user")
    here = replace(server, commands=((sys.executable,),))
    assert "takes YuNet" in find_missing(here, "/x/centerface.onnx").missing
    assert find_missing(here, "/x/face_detection_yunet.onnx").missing == ""


def test_an_unknown_peer_gets_a_sentence_and_2(capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit) as ended:
        command.choose_servers("fastapi,nosuch", "yunet.onnx")
    assert ended.value.code == 2
    assert "There is no peer 'nosuch'; there are ours," in capsys.readouterr().err


def test_a_round_that_does_not_fit_does_not_begin(monkeypatch: pytest.MonkeyPatch):
    clock = iter(range(0, 10_000, 100))  # each look is 100 s later
    monkeypatch.setattr(command.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(command, "measure_server", lambda *_: make_cell(1.0))
    plan = argparse.Namespace(rounds=9)
    found = command.measure_rounds([SERVERS[0]], plan, minutes=5)  # type: ignore[arg-type]
    assert len(found["ours"]) == 1


def test_a_page_of_one_comparison_alone_is_written(tmp_path: Path):
    write_page(make_result({"fastapi-user": [make_cell(10.0)]}), tmp_path)
    page = (tmp_path / "PEERS.md").read_text()
    assert "## (b) As a user would write it" in page and "## (a)" not in page
