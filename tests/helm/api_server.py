"""An API server that knows some kinds and hands out the objects it was given: for helm's lookup."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

Kinds = dict[str, dict[str, str]]  # group/version -> kind -> plural

PLAIN: Kinds = {
    "v1": {"Secret": "secrets", "ConfigMap": "configmaps", "Pod": "pods", "Service": "services"}
    | {"ServiceAccount": "serviceaccounts"},
    "policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "apiextensions.k8s.io/v1": {"CustomResourceDefinition": "customresourcedefinitions"},
    "serving.kserve.io/v1beta1": {"InferenceService": "inferenceservices"},
    "serving.knative.dev/v1": {"Service": "services"},
}
CLUSTER_WIDE = ("customresourcedefinitions",)
VERBS = ["get", "list", "create", "patch"]


def list_resources(kinds: dict[str, str], version: str) -> dict:
    """Answer a discovery of one group and version."""
    resources = [
        {"kind": kind, "singularName": kind.lower(), "name": plural, "verbs": VERBS}
        | {"namespaced": plural not in CLUSTER_WIDE}
        for kind, plural in kinds.items()
    ]
    what = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version}
    return what | {"resources": resources}


def list_groups(kinds: Kinds) -> dict:
    groups: dict[str, list] = {}
    for name in kinds:
        if "/" in name:
            group, version = name.split("/")
            groups.setdefault(group, []).append({"groupVersion": name, "version": version})
    found = [
        {"name": group, "versions": versions, "preferredVersion": versions[0]}
        for group, versions in groups.items()
    ]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def answer(path: str, kinds: Kinds, objects: dict[str, dict], version: str) -> tuple[int, dict]:
    """Return status and body of a GET."""
    name = path.removeprefix("/apis/").removeprefix("/api/")
    if path == "/version":
        major, minor = version.lstrip("v").split(".")[:2]
        return 200, {"major": major, "minor": minor, "gitVersion": version}
    if path == "/api":
        return 200, {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return 200, list_groups(kinds)
    if name in kinds:
        return 200, list_resources(kinds[name], name)
    if objects.get(path):
        return 200, objects[path]
    if path.endswith("/secrets"):
        return 200, {"kind": "SecretList", "apiVersion": "v1", "items": []}
    code, reason = (403, "Forbidden") if path in objects else (404, "NotFound")
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    return code, status | {"reason": reason, "message": f"{path}: {reason.lower()}"}


@contextmanager
def run_api_server(
    folder: Path, objects: dict[str, dict], kinds: Kinds | None = None, version: str = "v1.34.4"
) -> Iterator[Path]:
    """Serve discovery and the objects (by path; {}: forbidden); gives a kubeconfig."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = answer(self.path.split("?")[0], kinds or PLAIN, objects, version)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cluster = {"server": f"http://127.0.0.1:{server.server_port}"}
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "stub"} | {
        "clusters": [{"name": "stub", "cluster": cluster}],
        "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "stub"}}],
        "users": [{"name": "stub", "user": {}}],
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(config))
    try:
        yield folder / "kubeconfig"
    finally:
        server.shutdown()
        server.server_close()
