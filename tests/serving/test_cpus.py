"""Threads are as many as the processors that this process may use."""

from pathlib import Path

import pytest

from predictor.engines import openvino
from predictor.engines.artifact import open_artifact
from predictor.manifest import read_manifest
from serving import cpus
from serving.cpus import count_cpus
from tools.processes import ROOT
from transformer.settings import TransformerSettings


@pytest.fixture(autouse=True)
def sixty_four(monkeypatch):
    monkeypatch.setattr(cpus.os, "sched_getaffinity", lambda _: set(range(64)))


@pytest.mark.parametrize(
    "text, cpus",
    [
        ("200000 100000\n", 2),
        ("50000 100000\n", 1),
        ("250000 100000\n", 3),  # a share is rounded up
        ("max 100000\n", 64),
        ("", 64),
    ],
)
def test_cgroup_v2_limits_threads(tmp_path: Path, text: str, cpus: int):
    (tmp_path / "cpu.max").write_text(text)
    assert count_cpus(tmp_path) == cpus


@pytest.mark.parametrize("quota, cpus", [("400000\n", 4), ("-1\n", 64)])
def test_cgroup_v1_limits_threads(tmp_path: Path, quota: str, cpus: int):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert count_cpus(tmp_path) == cpus


def test_a_quota_counts_wherever_it_lies_above_the_process(tmp_path: Path):
    own, unit = tmp_path / "own", tmp_path / "system.slice/landmarks.service"
    unit.mkdir(parents=True)
    own.write_text("0::/system.slice/landmarks.service\n")
    assert count_cpus(tmp_path, own) == 64
    (unit / "cpu.max").write_text("600000 100000\n")
    assert count_cpus(tmp_path, own) == 6
    (unit.parent / "cpu.max").write_text("400000 100000\n")
    assert count_cpus(tmp_path, own) == 4


@pytest.mark.parametrize("count", [1, 2, 8, 64])
def test_workers_and_the_engines_threads_follow_the_processors(monkeypatch, count):
    monkeypatch.setattr(cpus.os, "sched_getaffinity", lambda _: set(range(count)))
    monkeypatch.setattr(cpus, "read_quotas", lambda *_: [])
    opened: list[tuple] = []
    monkeypatch.setattr(openvino, "open_request", lambda *given: opened.append(given))
    folder = ROOT / "models/unet-int8"
    open_artifact(folder, read_manifest(folder))
    assert {given[-1] for given in opened} == {count} == {TransformerSettings().workers}
