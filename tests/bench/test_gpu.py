"""make gpu-check: without a card one sentence and code 2; a dry run goes all the way."""

import json
import subprocess
import sys

import pytest
import torch

from bench.gpu.table import write_table
from predictor.unet import UNet


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "bench.gpu", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_without_a_card_one_sentence_and_code_2(tmp_path):
    done = run("--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "there is no NVIDIA GPU" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_dry_run_fills_the_table_and_says_what_it_is(tmp_path):
    path, out = tmp_path / "small.pth", tmp_path / "out"
    torch.manual_seed(0)
    torch.save(UNet(base_width=4).state_dict(), path)
    done = run("--device", "cpu", "--checkpoint", str(path), "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((out / "gpu.json").read_text())
    assert found["result"] is False and "dry run" in found["card"]
    assert [row["agrees"] for row in found["numerics"]] == [True]
    assert {row["batch"] for row in found["speed"]} == {1, 2}
    assert all(row["ms"] > 0 and row["tflops"] >= 0 for row in found["speed"])
    assert found["served"][0]["codes"].keys() == {"200"}
    assert "is no result" in (out / "gpu.md").read_text()


def test_what_could_not_be_built_is_a_row_with_its_reason():
    row = {"technique": "bf16, compiled", "batch": 1, "numbers": "bf16", "failed": "no compiler"}
    found = {"card": "x", "result": True, "torch": "2", "cuda": "12", "peak_tflops": {"bf16": 1.0}}
    text = write_table(found | {"numerics": [], "served": [], "speed": [row]})
    assert "no compiler" in text and "no result" not in text
