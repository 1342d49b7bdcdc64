"""What a process imports, what its operator sets, how many threads it takes."""

import asyncio
from pathlib import Path

import pytest

from predictor.engines import openvino
from predictor.engines.artifact import open_artifact
from predictor.manifest import read_manifest
from serving import cpus
from serving.aside import run_aside
from serving.cpus import count_cpus
from serving.framework import SPARED
from serving.settings import find_unknown, read_settings
from tests.support.environment import run
from tools.processes import ROOT
from transformer.settings import TransformerSettings


async def test_the_loop_goes_round_between_two_jobs():
    rounds, seen = 0, list[int]()

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await asyncio.gather(*(run_aside(lambda: seen.append(rounds)) for _ in range(50)))
    counting.cancel()
    assert len(set(seen)) == 50


@pytest.mark.parametrize("service", ["predictor.loader", "transformer.backends.predictor_client"])
def test_a_service_loads_neither_pandas_nor_the_kubernetes_api(service):
    program = f"import sys, serving.server, {service}; print(*sorted(sys.modules))"
    loaded = set(run("python", "-c", program).split())
    assert "kserve.model_server" in loaded
    assert not loaded & {*SPARED, "oauthlib"}


def test_what_kserve_does_with_them_still_works():
    program = """
import numpy, serving.framework, kserve
from kserve.api import kserve_client
values = kserve.InferInput("x", [2, 1], "FP32", [1.0, 2.0])
print(kserve.InferRequest("m", [values]).as_dataframe().shape, kserve_client.client.V1Pod.__name__)
"""
    assert run("python", "-c", program) == "(2, 1) V1Pod\n"


@pytest.mark.parametrize(
    "name, value",
    [("REQUEST_SECONDS", "inf"), ("HEAD_SECONDS", "1e-9"), ("MAX_BODY_BYTES", "9" * 20)],
)
def test_a_limit_has_limits(monkeypatch, name, value):
    monkeypatch.setenv(f"LANDMARKS_{name}", value)
    with pytest.raises(SystemExit, match=f"LANDMARKS_{name}: Input should be"):
        read_settings(TransformerSettings)


def test_empty_is_unset(monkeypatch):
    for name in ("DETECTOR", "MAX_INFLIGHT", "PREDICTOR"):
        monkeypatch.setenv(f"LANDMARKS_{name}", "")
    assert read_settings(TransformerSettings) == TransformerSettings()


def test_what_nothing_reads_is_named_with_what_is_near():
    variables = {
        "LANDMARKS_MAX_INFLIGT": "5",
        "LANDMARKS_MAX_FACES": "5",
        "PATH": "/",
        "landmarks_workers": "1",
    }
    of_kubernetes = ("SERVICE_HOST", "PORT", "PORT_80_TCP_ADDR", "UNET_SERVICE_PORT_HTTP")
    variables |= {f"LANDMARKS_{name}": "x" for name in of_kubernetes}
    told = find_unknown(TransformerSettings, variables, ["--htp_port=1", "x"], ["--http_port"])
    assert told == (
        "LANDMARKS_MAX_INFLIGT (is LANDMARKS_MAX_INFLIGHT meant?), "
        "--htp_port (is --http_port meant?)"
    )


@pytest.fixture
def sixty_four(monkeypatch):
    monkeypatch.setattr(cpus.os, "sched_getaffinity", lambda _: set(range(64)))


QUOTAS = {"200000 100000\n": 2, "50000 100000\n": 1, "250000 100000\n": 3}  # shares rounded up


@pytest.mark.parametrize("text, cpus", (QUOTAS | {"max 100000\n": 64, "": 64}).items())
def test_cgroup_v2_limits_threads(sixty_four, tmp_path: Path, text: str, cpus: int):
    (tmp_path / "cpu.max").write_text(text)
    assert count_cpus(tmp_path) == cpus


@pytest.mark.parametrize("quota, cpus", [("400000\n", 4), ("-1\n", 64)])
def test_cgroup_v1_limits_threads(sixty_four, tmp_path: Path, quota: str, cpus: int):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert count_cpus(tmp_path) == cpus


def test_a_quota_counts_wherever_it_lies_above_the_process(sixty_four, tmp_path: Path):
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
