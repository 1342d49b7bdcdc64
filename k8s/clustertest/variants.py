"""Every variant of the chart, as a dry run against the real CRD and KServe's webhooks."""

import sys

import yaml

from k8s.clustertest.commands import CommandError, kubectl, run
from k8s.clustertest.journal import Record
from tests.helm.conftest import render
from tests.helm.test_service import CI_FILES, VARIANTS

# kind.sh's own tests need no helm: `make test` has run them.
UNIT_TESTS = ("tests/helm", "--ignore", "tests/helm/test_kind.py")


def see_variants(record: Record) -> None:
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
    try:
        output = run(sys.executable, "-m", "pytest", "-q", "-rs", *UNIT_TESTS)
        summary = output.strip().splitlines()[-1]
        record.check("the chart's unit tests pass", "helm is not on PATH" not in output, summary)
    except CommandError as error:
        record.check("the chart's unit tests pass", False, str(error)[-300:])
