"""The comparison with peers: bodies, points, the table, and who can't take part."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from bench.peers.__main__ import choose_servers, find_missing, make_table
from bench.peers.measure import read_points
from bench.peers.table import SERVERS

POINTS = np.arange(60, dtype=float).reshape(2, 15, 2)


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_every_server_s_bodies_carry_what_is_sent(server):
    for ask in (server.face, server.picture):
        content, kind, more = ask.make()
        assert content and kind and (ask.path.startswith("/"))
        if "Inference-Header-Content-Length" in more:
            length = int(more.split(": ")[1])
            (tensor,) = json.loads(content[:length])["inputs"]
            assert len(content) - length == tensor["parameters"]["binary_data_size"]


@pytest.mark.parametrize("filled", [False, True], ids=["as they are", "filled up by pytriton"])
def test_points_are_read_in_every_peer_s_form(filled):
    values = POINTS.ravel().tolist() + [None] * (30 if filled else 0)
    output = {"name": "landmarks", "shape": [1, len(values) // 30, 15, 2], "data": values}
    forms = [{"outputs": [output]}, {"landmarks": POINTS.tolist()}, POINTS.tolist()]
    for form in forms:
        assert np.array_equal(read_points(json.dumps(form).encode()), POINTS)


def test_rounds_become_medians_and_a_missing_peer_says_why():
    cells = [{"per_second": v, "p50": 5.0, "p99": 9.0, "cpu_ms": 4.0} for v in (10, 30, 20)]
    rounds: dict[str, list[dict]] = {
        "ours": [{"face": {"16": cell}} for cell in cells],
        "pytriton": [{"problem": "gone"}],
    }
    table = make_table(rounds, "face", (16,))
    assert table[2:] == ["| ours | 20, 5 / 9, 4 |", "| pytriton | gone |"]


def test_a_server_that_cannot_run_says_why():
    gone = replace(SERVERS[0], commands=(("/nowhere/bin/python",),))
    assert find_missing(gone, "yunet.onnx").startswith("not installed: `make ")
    user = next(s for s in SERVERS if s.name == "fastapi-user")
    here = replace(user, commands=((sys.executable,),))
    assert "takes YuNet" in find_missing(here, "/x/centerface.onnx")
    assert find_missing(here, "/x/face_detection_yunet.onnx") == ""


def test_an_unknown_peer_gets_a_sentence_and_2(capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit) as ended:
        choose_servers("fastapi,nosuch")
    assert ended.value.code == 2
    assert "There is no peer 'nosuch'; there are ours," in capsys.readouterr().err
