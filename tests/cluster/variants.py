"""Every variant of the chart, as a dry run against the real CRD and KServe's webhooks."""

import subprocess
import sys

import yaml

from tests.cluster.commands import OUT, ROOT, CommandError, kubectl
from tests.cluster.journal import ScenarioResult
from tests.helm.conftest import render
from tests.helm.test_service import CI_FILES, VARIANTS

UNIT_TESTS = ("tests/helm",)
UNIT_LOG = OUT / "unit-tests.log"
UNIT: list[subprocess.Popen[bytes]] = []  # started with the cluster


def see_variants(record: ScenarioResult) -> None:
    """Let the API server look at each variant's InferenceService; run the chart's unit tests."""
    variants = {",".join(values) or "defaults": render(*values) for values in VARIANTS}
    for name in CI_FILES:
        variants[f"helm/ci/{name}-values.yaml"] = render(files=(f"ci/{name}-values.yaml",))
    refused = {}
    for name, documents in variants.items():
        service = next(d for d in documents if d["kind"] == "InferenceService")
        service["metadata"]["namespace"] = "default"
        try:
            kubectl("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(service))
        except CommandError as error:
            refused[name] = str(error)[-300:]
    found = refused or f"{len(variants)} variants"
    record.check("the API server accepts every variant (dry run)", not refused, found)
    check_unit_tests(record)


def start_unit_tests() -> subprocess.Popen[bytes]:
    """Start the chart's unit tests, which need a helm and no cluster: while images are built."""
    OUT.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *UNIT_TESTS]
    with UNIT_LOG.open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def check_unit_tests(record: ScenarioResult) -> None:
    """See how they ended, where they were started."""
    if not UNIT:
        return
    code = UNIT.pop().wait(900)
    output = UNIT_LOG.read_text()
    summary = (output.strip().splitlines() or ["nothing"])[-1]
    passed = code == 0 and "helm is not on PATH" not in output
    record.check("the chart's unit tests pass", passed, summary)
