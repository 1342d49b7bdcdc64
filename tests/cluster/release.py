"""A release of the chart in a namespace of its own, Pod Security "restricted"; its metrics."""

import json
import time
import urllib.parse
from typing import ClassVar

from tests.cluster.journal import CommandError, ScenarioResult, helm, kubectl, wait_until

SMALL = ("--values", "k8s/values-kind.yaml")


class Release:
    installed: ClassVar[list["Release"]] = []

    def __init__(self, namespace: str, name: str = "landmarks"):
        self.namespace, self.name = namespace, name

    def install(self, *values: str, wait: float = 180, chart: str = "helm") -> float:
        """helm install with --set values; gives the seconds to Ready (wait 0: doesn't wait)."""
        self.make_namespace()
        self.installed.append(self)
        begun = time.monotonic()
        place = ("upgrade", "--install", self.name, chart, "-n", self.namespace)
        wait_until("helm install", lambda: patiently(*place, *SMALL, *as_flags(values)), 90, 3)
        if wait:
            self.wait_ready(wait)
        return time.monotonic() - begun

    def upgrade(self, *values: str, keep: str = "--reset-then-reuse-values") -> None:
        """helm upgrade; values given before are kept."""
        place = ("upgrade", self.name, "helm", "-n", self.namespace, keep)
        wait_until("helm upgrade", lambda: patiently(*place, *as_flags(values)), 90, 3)

    def diff(self) -> str:
        manifest = helm("get", "manifest", self.name, "-n", self.namespace)
        try:
            return kubectl("diff", "-f", "-", stdin=manifest)
        except CommandError as error:
            return str(error)

    def uninstall(self) -> None:
        self.installed.remove(self)
        helm("uninstall", self.name, "-n", self.namespace, "--ignore-not-found")
        kubectl("delete", "namespace", self.namespace, "--wait=false")

    def make_namespace(self) -> None:
        wait_until(f"namespace {self.namespace}", self.claim_namespace, 120)
        self.enforce("restricted")

    def claim_namespace(self) -> bool:
        """Create it if need be; one that an earlier try left has to be gone first."""
        try:
            kubectl("create", "namespace", self.namespace)
            return True
        except CommandError as error:
            if "AlreadyExists" not in str(error):
                raise
        found = kubectl("get", "namespace", self.namespace, "-o", "json", "--ignore-not-found")
        return bool(found) and json.loads(found)["status"]["phase"] == "Active"

    def enforce(self, level: str) -> None:
        label = f"pod-security.kubernetes.io/enforce={level}"
        kubectl("label", "--overwrite", "namespace", self.namespace, label)

    def get(self, kind: str, name: str = "", selector: str = "") -> dict:
        """Read one object, or with a selector a list of them."""
        which = [name] if name else ["-l", selector] if selector else []
        return json.loads(kubectl("-n", self.namespace, "get", kind, *which, "-o", "json"))

    def service(self) -> dict:
        return self.get("inferenceservice", self.name)

    def wait_ready(self, seconds: float = 180) -> None:
        """Wait until KServe says Ready (its observedGeneration lags behind: no help)."""

        def ready() -> bool:
            return is_true(self.service().get("status", {}).get("conditions", []), "Ready")

        wait_until(f"InferenceService {self.namespace}/{self.name} Ready", ready, seconds)

    @property
    def host(self) -> str:
        """The name by which the ingress knows the service."""
        return self.service()["status"]["url"].split("//")[1]

    def selector(self, component: str) -> str:
        return f"serving.kserve.io/inferenceservice={self.name},component={component}"

    def pods(self, component: str) -> list[dict]:
        """The component's pods that are not on their way out."""
        found = self.get("pods", selector=self.selector(component))["items"]
        return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]

    def ready_pods(self, component: str) -> list[dict]:
        """Those of them that are ready, so that they have an address."""
        return [
            pod
            for pod in self.pods(component)
            if is_true(pod["status"].get("conditions", []), "Ready")
        ]

    def find_pod(self, component: str) -> str:
        """Return the name of a ready pod: one that just starts has no container to enter."""
        ready = wait_until(f"a {component} ready", lambda: self.ready_pods(component), 60)
        return ready[0]["metadata"]["name"]

    def stamps(self, component: str) -> set[str]:
        """Which revisions of a component have pods: what their annotation `stamp` says."""
        return {
            pod["metadata"].get("annotations", {}).get("stamp", "one")
            for pod in self.pods(component)
        }

    def count_requests(self, pod: dict) -> float:
        """Return how many requests a pod has answered."""
        place = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}:8080"
        lines = kubectl("get", "--raw", f"{place}/proxy/metrics").splitlines()
        mine = [line for line in lines if line.startswith("landmarks_requests_total{")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in mine)

    def wait_pods(self, component: str, low: int, high: int, seconds: float) -> float:
        begun = time.monotonic()
        wait_until(
            f"{low}..{high} {component} pods",
            lambda: low <= len(self.pods(component)) <= high,
            seconds,
        )
        return time.monotonic() - begun


BUSY = ("failed calling webhook", "etcdserver: ", "connection refused", "has been modified")


def patiently(*arguments: str) -> bool:
    """Run helm; false where a control plane that is short of CPU did not answer."""
    try:
        helm(*arguments)
    except CommandError as error:
        if not any(text in str(error) for text in BUSY):
            raise
        return False
    return True


def as_flags(values: tuple[str, ...]) -> list[str]:
    return [part for value in values for part in ("--set", value)]


def is_true(conditions: list[dict], kind: str) -> bool:
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)


PROXY = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1"


def query(expression: str) -> list[dict]:
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


def check_rules(record: ScenarioResult, release: Release) -> None:
    def health() -> list[str]:
        groups = json.loads(kubectl("get", "--raw", f"{PROXY}/rules"))["data"]["groups"]
        name = f"{release.namespace}-{release.name}"
        mine = [group for group in groups if group["name"] == name]
        found = [rule["health"] for group in mine for rule in group["rules"]]
        return [] if "unknown" in found else found

    text = "Prometheus evaluates the alerts of the PrometheusRule"
    found = record.wait(text, health, 40, 2)
    record.check("each of them without an error", set(found or ()) == {"ok"}, found)


def list_firing(release: Release) -> set[str]:
    alerts = json.loads(kubectl("get", "--raw", f"{PROXY}/alerts"))["data"]["alerts"]
    return {
        alert["labels"]["alertname"]
        for alert in alerts
        if alert["state"] == "firing" and alert["labels"].get("namespace") == release.namespace
    }
