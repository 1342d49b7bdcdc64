"""Sample replicas and requests in flight while a load runs."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from k8s.clustertest.release import Release

BUSY = re.compile(r'^landmarks_request_seconds_sum\{.*service="(\w+)".*\} ([0-9.e+-]+)$', re.M)


class Watch:
    """A thread that notes, once a second, the pods of each component and their busy seconds.

    The sum of all requests' durations grows by the mean number in flight each second: that
    difference is exact, where samples of a gauge would be noise.
    """

    def __init__(
        self, release: Release, components: tuple[str, ...] = ("transformer", "predictor")
    ):
        config.load_kube_config()
        self.api = client.CoreV1Api()
        self.release, self.components = release, components
        self.samples: list[dict] = []
        self.stopping = threading.Event()
        self.readers = ThreadPoolExecutor(8)

    def __enter__(self) -> "Watch":
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join(10)

    def loop(self) -> None:
        while not self.stopping.wait(1.0):
            sample: dict = {"at": time.time()}
            for component in self.components:
                pods = self.list_pods(component)
                sample[component] = len(pods)
                sample[f"{component}_ready"] = sum(self.is_ready(pod) for pod in pods)
                ready = [pod.metadata.name for pod in pods if self.is_ready(pod)]
                sample[f"{component}_busy"] = dict(
                    zip(ready, self.readers.map(self.read_busy, ready), strict=True)
                )
            self.samples.append(sample)

    def list_pods(self, component: str) -> list:
        found = self.api.list_namespaced_pod(
            self.release.namespace, label_selector=self.release.selector(component)
        )
        return [pod for pod in found.items if not pod.metadata.deletion_timestamp]

    @staticmethod
    def is_ready(pod) -> bool:
        conditions = pod.status.conditions or []
        return any(c.type == "Ready" and c.status == "True" for c in conditions)

    def read_busy(self, pod: str) -> float | None:
        """Seconds that the pod has spent on requests so far, all of them added up."""
        try:
            text = self.api.connect_get_namespaced_pod_proxy_with_path(
                f"{pod}:8080", self.release.namespace, "metrics", _request_timeout=2
            )
        except (ApiException, HTTPError, OSError):  # it is on its way out
            return None
        return sum(float(seconds) for _, seconds in BUSY.findall(text))

    def between(self, start: float, end: float) -> list[dict]:
        return [sample for sample in self.samples if start <= sample["at"] <= end]

    def concurrency(self, component: str, start: float, end: float) -> float:
        """Mean number of requests in flight at the component's pods in this time."""
        total = 0.0
        first: dict[str, tuple[float, float]] = {}
        last: dict[str, tuple[float, float]] = {}
        samples = self.between(start, end)
        for sample in samples:
            for pod, busy in sample[f"{component}_busy"].items():
                if busy is not None:
                    first.setdefault(pod, (sample["at"], busy))
                    last[pod] = (sample["at"], busy)
        span = samples[-1]["at"] - samples[0]["at"] if len(samples) > 1 else 0.0
        for pod, (_, busy) in last.items():
            total += busy - first[pod][1]
        return total / span if span else 0.0
