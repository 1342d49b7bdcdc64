"""Ledger and profile of a network of one's own: rows, or one sentence and code 2."""

import subprocess
from pathlib import Path

import pytest
import torch

from predictor.unet import UNet
from tests.support.environment import end
from training.index import read_table


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.pth"
    torch.save(UNet(base_width=4).state_dict(), path)
    path.with_suffix(".model.json").write_text('{"trust": {"doubt": 0, "low": 0}}')  # it knows none
    return path


def run(module: str, *words: object) -> subprocess.CompletedProcess:
    return end("python", "-m", f"bench.engine.{module}", *words)


def test_the_ledger_has_every_engine_that_loads(tiny: Path, tmp_path: Path):
    out = tmp_path / "ledger.csv"
    done = run("ledger", "--model", tiny, "--rounds", 1, "--seconds", 0.01, "--out", out)
    assert done.returncode == 0, done.stderr
    rows = read_table(out)
    assert {"openvino", "onnxruntime"} <= {row["engine"] for row in rows}
    assert all(float(row["ms_median"]) > 0 and row["peak_mb"] != "0" for row in rows)
    exact = [float(row["px_max"]) for row in rows if row["engine"] in ("openvino", "onnxruntime")]
    assert exact and max(exact) < 0.05


def test_the_profile_has_every_layer(tiny: Path, tmp_path: Path):
    out = tmp_path / "profile.csv"
    done = run("profile", "--model", tiny, "--engine", "openvino", "--out", out)
    assert done.returncode == 0, done.stderr
    rows = read_table(out)
    assert sum(row["kind"] == "Convolution" for row in rows) >= 18
    assert sum(float(row["share_of_time"]) for row in rows) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("module", ["ledger", "profile"])
def test_a_file_that_is_not_there_is_one_sentence(module: str, tmp_path: Path):
    done = run(module, "--model", tmp_path / "none.pth", "--out", tmp_path / "out.csv")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "none.pth" in done.stderr and not (tmp_path / "out.csv").exists()
