"""The pods of an InferenceService while a run goes on, where there is a cluster."""

import subprocess
import time
from collections import Counter

import gevent
from gevent.subprocess import check_output

SECONDS = 5.0
LABEL = "serving.kserve.io/inferenceservice"
READY = (
    'jsonpath={range .items[?(@.status.phase=="Running")]}{.metadata.labels.component}{"\\n"}{end}'
)


class Replicas:
    """Counts the running pods of each component every few seconds."""

    def __init__(self, place: str):
        self.namespace, _, self.name = place.rpartition("/")
        self.seen: list[tuple[float, dict[str, int]]] = []
        self.problem = ""
        self.begun = time.monotonic()
        gevent.spawn(self.run)

    def run(self) -> None:
        while not self.problem:
            self.look()
            gevent.sleep(SECONDS)

    def look(self) -> None:
        command = ["kubectl", "get", "pods", "-n", self.namespace or "default"]
        command += ["-l", f"{LABEL}={self.name}", "-o", READY]
        try:
            text = check_output(command, text=True, stderr=subprocess.STDOUT, timeout=20)
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "output", None) or str(error)
            self.problem = f"The replicas can't be counted: {said.strip()[:200]}"
            return
        counts = Counter(line for line in text.splitlines() if line)
        self.seen.append((time.monotonic() - self.begun, dict(counts)))
