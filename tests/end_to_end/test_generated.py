"""Requests made up from our OpenAPI description: no 5xx, and every answer is as it says."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.environment import make_environment
from tests.support.soak import COUNTS, SOAK
from tools.processes import ROOT

EXAMPLES = 20 * SOAK  # for each operation, beside those that are the same every time
CHECKS = (
    "no_server_error",  # both are ours, of the file below
    "errors_are_typed_and_short",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
OURS = {"SCHEMATHESIS_HOOKS": str(ROOT / "tests/support/clients/generated_checks.py")}


@pytest.fixture(scope="module")
def schemathesis() -> Path:
    try:
        return make_environment("schemathesis").with_name("schemathesis")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"Schemathesis could not be installed: {error}")


@pytest.mark.parametrize("index", [0, 1], ids=["predictor", "transformer"])
def test_generated_requests_are_answered_as_described(open_services, schemathesis, index, tmp_path):
    service = open_services[index]
    report = tmp_path / "report.json"
    command = [schemathesis, "--no-color", "run", f"{service.url}/openapi.json"]
    command += ["--phases=examples,coverage,fuzzing", f"--max-examples={EXAMPLES}"]
    command += [f"--checks={','.join(CHECKS)}", "--continue-on-failure", "--request-timeout=30"]
    command += ["--generation-database=none", f"--report-json-path={report}"]
    command += ["--exclude-path-regex=load$"]  # it learns the model's name and unloads it
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | OURS, capture_output=True, text=True, timeout=3600
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    found = json.loads(report.read_text())
    assert found["operations"]["tested"] == found["operations"]["selected"] == 18
    assert found["test_cases"]["generated"] > 500 and not found["errors"]
    COUNTS["REST requests"] += found["test_cases"]["generated"]
    assert service.process.poll() is None
    assert '"code": "internal"' not in service.log.read_text()
