#!/usr/bin/env python3
"""kubectl, kind, docker and helm as far as k8s/kind.sh calls them; which one, the file's name says.

kubectl downloads what it applies, and refuses what an API server would: an object in a namespace
that isn't there, a kind whose CRD isn't there when the command begins, a webhook that doesn't yet
answer, a context that isn't the cluster's. FAKE_STATE names its memory, a file with every call.
"""

import fcntl
import json
import os
import sys
import urllib.request
from pathlib import Path

STATE = Path(os.environ["FAKE_STATE"])
BUILT_IN = {"Namespace", "Deployment", "Service", "ConfigMap", "CustomResourceDefinition"}
CONFIG_META = {"name": "inferenceservice-config", "namespace": "kserve"}
CONFIG = {"data": {"ingress": "{}"}, "metadata": CONFIG_META}
EMPTY: dict = {"calls": [], "objects": [], "late": {}, "clusters": []}


def main() -> None:
    name = Path(sys.argv[0]).name
    piped = sys.stdin.read() if "-" in sys.argv else ""  # before the lock: it comes from another
    lock = open(f"{STATE}.lock", "w")  # noqa: SIM115 (held until the end)
    fcntl.flock(lock, fcntl.LOCK_EX)
    state = json.loads(STATE.read_text()) if STATE.exists() else EMPTY
    state["calls"].append([name, *sys.argv[1:]])
    STATE.write_text(json.dumps(state))
    if name == "kind":
        run_kind(state, sys.argv[1:])
    elif name == "kubectl":
        run_kubectl(state, sys.argv[1:], piped)
    STATE.write_text(json.dumps(state))


def run_kind(state: dict, arguments: list[str]) -> None:
    if arguments[:2] == ["get", "clusters"]:
        print("\n".join(state["clusters"]))
    elif arguments[:2] == ["create", "cluster"]:
        state["clusters"].append(arguments[arguments.index("--name") + 1])


def run_kubectl(state: dict, arguments: list[str], piped: str) -> None:
    if arguments[:1] != ["--context"] or arguments[1][len("kind-") :] not in state["clusters"]:
        fail(state, f"context {arguments[:2]} is not the cluster's")
    rest = arguments[2:]
    if "--dry-run=client" in rest:
        kind = rest[rest.index("create") + 1]
        name = rest[rest.index("create") + 2]
        parts = next((a.split("=", 2)[2] for a in rest if a.startswith("--from-literal")), "")
        kind = {"namespace": "Namespace", "configmap": "ConfigMap"}[kind]
        print(json.dumps({"kind": kind, "metadata": {"name": name}, "data": {"parts": parts}}))
    elif "apply" in rest:
        apply(state, rest[rest.index("-f") + 1], piped)
    elif "landmarks-kind" in rest:
        found = [o for o in state["objects"] if o["metadata"]["name"] == "landmarks-kind"]
        print(found[-1]["data"]["parts"]) if found else fail(state, "NotFound")
    elif "inferenceservice-config" in rest:
        print(json.dumps(CONFIG))
    elif "patch" in rest and "knative-serving" in rest:
        wait_for_webhook(state, "config.webhook.serving.knative.dev")
    elif "crd" in rest and "get" in rest:
        for item in state["objects"]:
            if item["kind"] == "CustomResourceDefinition":
                print(f"customresourcedefinition.apiextensions.k8s.io/{item['metadata']['name']}")


def apply(state: dict, source: str, piped: str) -> None:
    """Take all objects or none, as kubectl maps their kinds before it sends one."""
    if source == "-":
        documents = [json.loads(piped)]
    elif source.startswith("http"):
        documents = json.loads(urllib.request.urlopen(source).read())
    else:
        documents = []  # a file of the project's own
    crds = [o for o in state["objects"] if o["kind"] == "CustomResourceDefinition"]
    known = BUILT_IN | {crd["spec"]["names"]["kind"] for crd in crds}
    for document in documents:
        if document["kind"] not in known:
            fail(state, f'no matches for kind "{document["kind"]}", install its CRD first')
    spaces = {o["metadata"]["name"] for o in state["objects"] if o["kind"] == "Namespace"}
    for document in documents:
        space = document["metadata"].get("namespace", "")
        if document["kind"] == "Namespace":
            spaces.add(document["metadata"]["name"])
        if space and space not in spaces | {"kube-system", "default"}:
            fail(state, f'namespaces "{space}" not found')
        if document["kind"] == "Certificate":
            wait_for_webhook(state, "webhook.cert-manager.io")
        state["objects"].append(document)


def wait_for_webhook(state: dict, name: str) -> None:
    """Refuse the first two calls, as a webhook that has just become Available does."""
    state["late"][name] = state["late"].get(name, 0) + 1
    if state["late"][name] <= 2:
        fail(state, f'failed calling webhook "{name}": connection refused')


def fail(state: dict, message: str) -> None:
    STATE.write_text(json.dumps(state))
    sys.exit(f"error: {message}")


main()
