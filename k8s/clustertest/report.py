"""Write k8s/RESULTS.md and its picture from what was seen."""

import json
import platform
import re
import time

from k8s.clustertest.chart import draw
from k8s.clustertest.commands import ROOT, run
from k8s.clustertest.journal import ScenarioResult, list_failed

HEAD = """# What was seen on the cluster

Made by `make cluster-test` on {date}, commit {commit}: {passed} of {count} scenarios passed in
{minutes:.0f} minutes on {cpus}. Every full run writes it anew.

| part | version |
|---|---|
{versions}

![Replicas, users and latency over time](results.png)
"""

NOT_SHOWN = """
## What this cluster cannot show

- **A real GPU.** The node only says that it has one; the pod that lands there runs the CPU image.
- **Several nodes.** The node is cordoned and its pods evicted as a drain does, but they come back
  to the same one; topology spread and affinity are accepted, not exercised.
- **Enforced NetworkPolicy.** The policies are valid; this cluster's network enforces none.
- **IPv6 between pods.** Both services are asked on ::1 of their own pod; the cluster has IPv4 only.
- **The Prometheus operator.** k8s/prometheus/discover.py stands in for it: the same relabelings and
  the labels of Prometheus' own discovery, scraped and evaluated by a real Prometheus.
- **Buckets and the hub.** The storage-initializer fetched over https from inside the cluster;
  s3://, gs:// and hf:// are KServe's own.
- **Throughput.** Gateway, autoscaler, control plane, load generator and all pods share two cores:
  more pods cannot answer more requests here, and latency says nothing about a real cluster.
"""


def write_report(records: list[ScenarioResult], setup: dict[str, float]) -> None:
    """Write the report and its picture."""
    parts = [head(records, setup), steps(setup)]
    parts += [section(record) for record in records]
    text = "\n".join(parts) + NOT_SHOWN
    (ROOT / "k8s/RESULTS.md").write_text(text)
    series = next((record.series for record in records if record.series), None)
    if series:
        draw(series, ROOT / "k8s/results.png")


def head(records: list[ScenarioResult], setup: dict[str, float]) -> str:
    count = len({record.number for record in records})
    return HEAD.format(
        date=time.strftime("%Y-%m-%d"),
        commit=run("git", "rev-parse", "--short", "HEAD").strip(),
        passed=count - len(list_failed(records)),
        count=count,
        minutes=setup["all of make cluster-test"] / 60,
        cpus=describe_machine(),
        versions="\n".join(f"| {name} | {version} |" for name, version in read_versions().items()),
    )


def describe_machine() -> str:
    with open("/proc/cpuinfo") as file:
        models = re.findall(r"^model name\s*: (.*)$", file.read(), re.M)
    return f"{len(models)} cores of {models[0]}" if models else platform.processor()


def read_versions() -> dict[str, str]:
    """What k8s/versions.sh pins, and the images."""
    text = (ROOT / "k8s/versions.sh").read_text()
    names = {
        "KIND_NODE": "Kubernetes (kind)",
        "KNATIVE": "Knative Serving",
        "KOURIER": "Kourier",
        "KSERVE": "KServe",
        "KEDA": "KEDA",
        "METRICS_SERVER": "metrics-server",
    }
    pins = dict(re.findall(r"^([A-Z_]+)=([^ $\n]+)", text, re.M))
    versions = {label: f"`{pins[name].split(':')[-1]}`" for name, label in names.items()}
    for line in run("docker", "images", "--format", "{{json .}}").splitlines():
        image = json.loads(line)
        if image["Repository"].startswith("landmarks-"):
            versions[f"image {image['Repository']}"] = f"`{image['Tag']}`, {image['Size']}"
    return versions


def steps(setup: dict[str, float]) -> str:
    names = {
        "up": "cluster with Knative, Kourier, KServe and KEDA",
        "load": "build the images, load them",
        "prometheus": "build and load Prometheus",
    }
    rows = [f"| {names[step]} | {setup[step]:.0f} |" for step in names if step in setup]
    return "\n".join(["| step | seconds |", "|---|---|", *rows, ""])


def section(record: ScenarioResult) -> str:
    """Write one scenario: checks, numbers, tables."""
    result = "" if record.passed else " - FAILED"
    lines = [
        f"## {record.number}. {record.title}{result}",
        "",
        "| | check | found |",
        "|---|---|---|",
    ]
    for check in record.checks:
        mark = "ok" if check.passed else "**failed**"
        lines.append(f"| {mark} | {clean(check.text)} | {clean(check.found)} |")
    lines += ["", *(f"- {clean(text)}: **{value}**" for text, value in record.numbers.items())]
    for text, rows in record.tables.items():
        head, *body = rows
        lines += ["", f"{text}:", "", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
        lines += [f"| {' | '.join(row)} |" for row in body]
    return "\n".join([*lines, "", f"({record.seconds:.0f} s)", ""])


def clean(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")[:300]
