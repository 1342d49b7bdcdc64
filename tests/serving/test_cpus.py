"""CPU limits of containers are respected."""

from pathlib import Path

import pytest

from serving import cpus
from serving.cpus import count_cpus


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
