"""KServe is imported without what only its clients need, and lacks nothing for that."""

import subprocess
import sys

import pytest

from serving.framework import SPARED


def run_fresh(program: str) -> str:
    """Run a program in a process of its own: this one has imported pandas long ago."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.parametrize("service", ["predictor.loader", "transformer.backends.predictor_client"])
def test_a_service_loads_neither_pandas_nor_the_kubernetes_api(service):
    program = f"import sys, serving.server, {service}; print(*sorted(sys.modules))"
    loaded = set(run_fresh(program).split())
    assert "kserve.model_server" in loaded
    assert not loaded & {*SPARED, "oauthlib"}


def test_what_kserve_does_with_them_still_works():
    program = """
import numpy, serving.framework, kserve
from kserve.api import kserve_client
values = kserve.InferInput("x", [2, 1], "FP32", [1.0, 2.0])
print(kserve.InferRequest("m", [values]).as_dataframe().shape, kserve_client.client.V1Pod.__name__)
"""
    assert run_fresh(program) == "(2, 1) V1Pod"


def test_one_that_was_imported_before_stays():
    program = """
import pandas, serving.framework
from kserve.protocol import infer_type
print(infer_type.pd is pandas)
"""
    assert run_fresh(program) == "True"
