"""Ask the cluster's Prometheus, through the API server."""

import json
import urllib.parse

from tests.cluster.commands import kubectl
from tests.cluster.journal import ScenarioResult
from tests.cluster.release import Release

PROXY = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1"


def query(expression: str) -> list[dict]:
    """Evaluate PromQL; gives the series."""
    path = f"{PROXY}/query?query={urllib.parse.quote(expression)}"
    return json.loads(kubectl("get", "--raw", path))["data"]["result"]


def check_scraped(record: ScenarioResult, release: Release, text: str) -> None:
    """See that both services are in Prometheus, by the PodMonitor, each of their pods once.

    There may be several pods: on a slow machine Knative adds one for the callers who wait.
    """
    series = f'landmarks_inflight_requests{{namespace="{release.namespace}"}}'

    def services() -> set[str]:
        found = query(f"count by (service, pod) ({series})")
        once = all(sample["value"][1] == "1" for sample in found)
        return {sample["metric"]["service"] for sample in found} if once else set()

    text = f"Prometheus scrapes both services by the PodMonitor ({text})"
    record.wait(text, lambda: services() == {"predictor", "transformer"}, 40, 2)


def settled(health: list[str]) -> list[str]:
    return [] if "unknown" in health else health


def check_rules(record: ScenarioResult, release: Release) -> None:
    """See that Prometheus evaluates every alert of the release without an error."""

    def health() -> list[str]:
        groups = json.loads(kubectl("get", "--raw", f"{PROXY}/rules"))["data"]["groups"]
        name = f"{release.namespace}-{release.name}"
        mine = [group for group in groups if group["name"] == name]
        return [rule["health"] for group in mine for rule in group["rules"]]

    text = "Prometheus evaluates the alerts of the PrometheusRule"
    found = record.wait(text, lambda: settled(health()), 40, 2)
    record.check("each of them without an error", set(found or ()) == {"ok"}, found)


def list_firing(release: Release) -> set[str]:
    """Return the names of this release's alerts that fire."""
    alerts = json.loads(kubectl("get", "--raw", f"{PROXY}/alerts"))["data"]["alerts"]
    return {
        alert["labels"]["alertname"]
        for alert in alerts
        if alert["state"] == "firing" and alert["labels"].get("namespace") == release.namespace
    }
