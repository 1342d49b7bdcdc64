"""CPU limits of containers are respected."""

from pathlib import Path

import pytest

from serving import cpus
from serving.cpus import count_cpus


@pytest.fixture(autouse=True)
def sixty_four(monkeypatch):
    monkeypatch.setattr(cpus.os, "sched_getaffinity", lambda _: set(range(64)))


def test_cgroup_v2_limits_threads(tmp_path: Path):
    (tmp_path / "cpu.max").write_text("200000 100000\n")
    assert count_cpus(tmp_path) == 2


def test_half_a_cpu_is_one_thread(tmp_path: Path):
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert count_cpus(tmp_path) == 1


def test_a_broken_share_is_rounded_up(tmp_path: Path):
    (tmp_path / "cpu.max").write_text("250000 100000\n")
    assert count_cpus(tmp_path) == 3


def test_cgroup_v1_limits_threads(tmp_path: Path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("400000\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert count_cpus(tmp_path) == 4


@pytest.mark.parametrize("text", ["max 100000\n", ""])
def test_no_limit_leaves_the_affinity(tmp_path: Path, text: str):
    (tmp_path / "cpu.max").write_text(text)
    assert count_cpus(tmp_path) == 64


def test_unlimited_cgroup_v1(tmp_path: Path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert count_cpus(tmp_path) == 64
