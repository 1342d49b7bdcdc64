"""Tell a Prometheus without Kubernetes discovery what PodMonitors and PrometheusRules want.

It stands in for the Prometheus operator on a test cluster: for each endpoint of a PodMonitor a job
with the relabelings that the operator writes, and its targets, one for each declared port of each
container (or one for a container without any), with the labels that Prometheus' own discovery has.
"""

import json
import os
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
FOLDER = Path("/etc/landmarks")
SECONDS = 2.0
GROUP = "/apis/monitoring.coreos.com/v1"


def ask(path: str) -> list[dict]:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    token = (ACCOUNT / "token").read_text()
    request = urllib.request.Request(f"https://{host}:{port}{path}")
    request.add_header("Authorization", f"Bearer {token}")
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        return json.load(answer)["items"]


def clean(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)


def list_targets(pod: dict) -> list[dict]:
    """Return the targets of a pod as Prometheus' discovery does."""
    meta, address = pod["metadata"], pod["status"].get("podIP")
    if not address:
        return []
    host = f"[{address}]" if ":" in address else address
    common = {
        "__meta_kubernetes_namespace": meta["namespace"],
        "__meta_kubernetes_pod_name": meta["name"],
        "__meta_kubernetes_pod_ip": address,
        "__meta_kubernetes_pod_phase": pod["status"]["phase"],
    }
    for key, value in meta.get("labels", {}).items():
        common[f"__meta_kubernetes_pod_label_{clean(key)}"] = value
        common[f"__meta_kubernetes_pod_labelpresent_{clean(key)}"] = "true"
    targets = []
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or [{}]:
            number = port.get("containerPort")
            labels = {**common, "__meta_kubernetes_pod_container_name": container["name"]}
            if number:
                labels["__meta_kubernetes_pod_container_port_number"] = str(number)
                labels["__meta_kubernetes_pod_container_port_name"] = port.get("name", "")
            targets.append({"targets": [f"{host}:{number}" if number else host], "labels": labels})
    return targets


def write_job(monitor: dict, index: int) -> dict:
    """Make the job of an endpoint as the operator does (its promcfg.go)."""
    meta, spec = monitor["metadata"], monitor["spec"]
    endpoint = spec["podMetricsEndpoints"][index]
    name = f"podMonitor/{meta['namespace']}/{meta['name']}/{index}"
    rules = [keep("__meta_kubernetes_pod_phase", "Pending|Running|Unknown")]
    if "port" in endpoint:
        rules.append(keep("__meta_kubernetes_pod_container_port_name", endpoint["port"]))
    if number := endpoint.get("portNumber") or endpoint.get("targetPort"):
        rules.append(keep("__meta_kubernetes_pod_container_port_number", str(number)))
    rules += [copy("namespace", "namespace"), copy("pod_name", "pod")]
    rules.append(copy("pod_container_name", "container"))
    for label in spec.get("podTargetLabels", []):
        rules.append(copy(f"pod_label_{clean(label)}", clean(label), "(.+)"))
    rules.append({"target_label": "job", "replacement": f"{meta['namespace']}/{meta['name']}"})
    for rule in endpoint.get("relabelings", []):
        rules.append({snake(key): value for key, value in rule.items()})
    return {
        "job_name": name,
        "metrics_path": endpoint.get("path", "/metrics"),
        "scrape_interval": endpoint.get("interval", f"{SECONDS:g}s"),
        "scrape_timeout": endpoint.get("scrapeTimeout", f"{SECONDS:g}s"),
        "relabel_configs": rules,
        "file_sd_configs": [{"files": [f"{FOLDER}/{clean(name)}.json"], "refresh_interval": "2s"}],
    }


def keep(label: str, regex: str) -> dict:
    return {"source_labels": [label], "regex": regex, "action": "keep"}


def copy(label: str, target: str, regex: str = "(.*)") -> dict:
    return {"source_labels": [f"__meta_kubernetes_{label}"], "regex": regex, "target_label": target}


def write(path: Path, content: object) -> bool:
    """Write a file at once, if it changed."""
    text = json.dumps(content, indent=1)
    if path.exists() and path.read_text() == text:
        return False
    (path.parent / f".{path.name}").write_text(text)
    (path.parent / f".{path.name}").rename(path)
    return True


def look() -> None:
    """Write targets and configuration as the cluster is now; have Prometheus read what changed."""
    jobs = []
    for monitor in ask(f"{GROUP}/podmonitors"):
        wanted = monitor["spec"]["selector"].get("matchLabels", {})
        query = urllib.parse.quote(",".join(f"{key}={value}" for key, value in wanted.items()))
        space = monitor["metadata"]["namespace"]
        pods = ask(f"/api/v1/namespaces/{space}/pods?labelSelector={query}")
        targets = [target for pod in pods for target in list_targets(pod)]
        for index in range(len(monitor["spec"]["podMetricsEndpoints"])):
            job = write_job(monitor, index)
            write(Path(job["file_sd_configs"][0]["files"][0]), targets)
            jobs.append(job)
    rules = [rule["spec"]["groups"] for rule in ask(f"{GROUP}/prometheusrules")]
    groups = {group["name"]: group for some in rules for group in some}
    config = {
        "global": {"scrape_interval": f"{SECONDS:g}s", "evaluation_interval": "5s"},
        "rule_files": [f"{FOLDER}/rules.json"],
        "scrape_configs": jobs,
    }
    changed = [
        write(FOLDER / "rules.json", {"groups": list(groups.values())}),
        write(FOLDER / "prometheus.json", config),
    ]
    if any(changed):
        urllib.request.urlopen("http://127.0.0.1:9090/-/reload", data=b"", timeout=10).close()


def main() -> None:
    while True:
        try:
            look()
        except (OSError, urllib.error.URLError, KeyError, ValueError) as error:
            print(f"not now: {error!r}", flush=True)  # Prometheus may still be starting
            (FOLDER / "prometheus.json").unlink(missing_ok=True)  # and has to be told again
        time.sleep(SECONDS)


if __name__ == "__main__":
    main()
