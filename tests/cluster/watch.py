"""Sample, once a second, the pods of each component and what Knative's autoscaler thinks."""

import re
import threading
import time
from contextlib import suppress

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from tests.cluster.journal import CONTEXT, kubectl
from tests.cluster.release import Release

METRIC = re.compile(r"^kn_revision_(concurrency_stable|concurrency_target)\{(.*)\} (\S+)$", re.M)
OBSERVED = '{"data": {"metrics-protocol": "prometheus"}}'


def expose_autoscaler_metrics() -> None:
    """Make Knative's autoscaler show its numbers; before any release, whose pods it restarts."""
    place = ("-n", "knative-serving", "get", "configmap", "config-observability")
    if kubectl(*place, "-o", "jsonpath={.data.metrics-protocol}") == "prometheus":
        return
    kubectl("-n", "knative-serving", "patch", "configmap", "config-observability", "-p", OBSERVED)
    kubectl("-n", "knative-serving", "rollout", "restart", "deployment/autoscaler")
    status = ("rollout", "status", "deployment/autoscaler", "--timeout=90s")
    kubectl("-n", "knative-serving", *status)


class Watch:
    """A thread that notes pods, and in Knative mode the autoscaler's concurrency and target."""

    components = ("transformer", "predictor")

    def __init__(self, release: Release):
        config.load_kube_config(context=CONTEXT)
        self.api = client.CoreV1Api()
        self.release = release
        self.samples: list[dict[str, float]] = []
        self.stopping = threading.Event()

    def __enter__(self) -> "Watch":
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join(10)

    def loop(self) -> None:
        while not self.stopping.wait(1.0):
            with suppress(ApiException, HTTPError):  # the API server is busy: the next one counts
                self.samples.append(self.take_sample())

    def take_sample(self) -> dict[str, float]:
        sample = {"at": time.time()}
        for component in self.components:
            pods = self.list_pods(component)
            sample[component] = len(pods)
            sample[f"{component}_ready"] = sum(is_ready(pod) for pod in pods)
        return sample | self.ask_autoscaler()

    def list_pods(self, component: str) -> list:
        found = self.api.list_namespaced_pod(
            self.release.namespace, label_selector=self.release.selector(component)
        )
        return [pod for pod in found.items if not pod.metadata.deletion_timestamp]

    def ask_autoscaler(self) -> dict[str, float]:
        """Read each component's concurrency over the window, and its target a pod."""
        try:
            pods = self.api.list_namespaced_pod("knative-serving", label_selector="app=autoscaler")
            text = self.api.connect_get_namespaced_pod_proxy_with_path(
                f"{pods.items[0].metadata.name}:9090", "knative-serving", "metrics"
            )
        except (ApiException, HTTPError, IndexError):
            return {}
        seen = {}
        for name, labels, value in METRIC.findall(text):
            if f'k8s_namespace_name="{self.release.namespace}"' in labels:
                component = "transformer" if "-transformer-0" in labels else "predictor"
                seen[f"{component}_{name}"] = float(value)
        return seen

    def between(self, start: float, end: float) -> list[dict[str, float]]:
        return [sample for sample in self.samples if start <= sample["at"] <= end]

    def last(self, component: str, start: float, end: float) -> dict[str, float]:
        """Return the last sample in which the autoscaler told of this component."""
        told = [s for s in self.between(start, end) if f"{component}_concurrency_target" in s]
        assert told, f"the autoscaler told nothing of the {component} for {end - start:.0f} s"
        return told[-1]

    def peak(self, component: str) -> int:
        return int(max(sample[f"{component}_ready"] for sample in self.samples))


def is_ready(pod) -> bool:
    conditions = pod.status.conditions or []
    return any(c.type == "Ready" and c.status == "True" for c in conditions)
