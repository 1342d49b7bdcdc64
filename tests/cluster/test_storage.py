"""The caller's own checkpoints: on a volume, and fetched by KServe's storage-initializer.

That is KServe's own package under the name that KServe's ClusterStorageContainer has, which gets
the securityContext without which Pod Security "restricted" refuses it. It fetches a converted
folder from a web server in the cluster, whose certificate it trusts, as it would the company's.
"""

import base64
import json
import os
import time
from pathlib import Path

import pytest
import yaml

from serving.server import RELEASE
from tests.cluster.journal import OUT, ROOT, ScenarioResult, kubectl, run
from tests.cluster.picture import ask_jpeg, check_points, wait_answer
from tests.cluster.release import Release

PORT = 8443
CONTAINER = ("clusterstoragecontainer", "default")
RESTRICTED = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
SERVER = """
import http.server, shutil, ssl
shutil.make_archive("/tmp/store/models", "zip", "/app/models/student-int8")
server = http.server.ThreadingHTTPServer(("", 8443),
    lambda *a: http.server.SimpleHTTPRequestHandler(*a, directory="/tmp/store"))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/certificate/tls.crt", "/certificate/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def serve_folder(release: Release) -> str:
    host = f"store.{release.namespace}.svc.cluster.local"
    folder = OUT / "store"
    folder.mkdir(parents=True, exist_ok=True)
    make_certificate(folder, host)
    build_initializer(folder)
    start_server(release, folder)
    return f"https://{host}:{PORT}/models.zip"


def make_certificate(folder: Path, host: str) -> None:
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"),
        *("-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")),
    )


def build_initializer(folder: Path) -> None:
    """Build the image and give it to the cluster, and have KServe run it restricted."""
    image = kubectl("get", *CONTAINER, "-o", "jsonpath={.spec.container.image}")
    context = ROOT / "tests/cluster/storage-initializer"
    certificate = base64.b64encode((folder / "tls.crt").read_bytes()).decode()
    arguments = ("--build-arg", f"CERTIFICATE={certificate}")
    if tools := os.environ.get("CLUSTER_TOOLS"):
        run(f"{tools}/build-image", image, str(context / "Dockerfile"), str(context), *arguments)
        run(f"{tools}/load-image", image)
    else:
        run("docker", "build", "-t", image, *arguments, str(context))
        name = os.environ.get("CLUSTER_NAME", "landmarks")
        run("kind", "load", "docker-image", "--name", name, image)
    patch = {"spec": {"container": {"securityContext": RESTRICTED}}}
    kubectl("patch", *CONTAINER, "--type=merge", "-p", json.dumps(patch))


def make(kind: str, name: str, **more: object) -> dict:
    meta = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **more}


def make_pod(name: str, command: list[str], at: str, volume: dict, **more: object) -> dict:
    """Make a pod on the predictor's image, which has models, with a volume at a path."""
    image, mounts = f"landmarks-predictor:{RELEASE}", [{"name": "volume", "mountPath": at}]
    container: dict = {"name": name, "image": image, "command": command, "volumeMounts": mounts}
    volumes = [{"name": "volume"} | volume]
    return make("Pod", name, spec={"containers": [container | more], "volumes": volumes})


def start_server(release: Release, folder: Path) -> None:
    """Run Python's web server on the predictor's image, which has the models to serve.

    Only the certificate comes by a ConfigMap, as that holds 1 MiB: models may be of any size.
    """
    names = ("tls.crt", "tls.key")
    data = {name: base64.b64encode((folder / name).read_bytes()).decode() for name in names}
    probe = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
    command, volume = ["python", "-c", SERVER], {"configMap": {"name": "store"}}
    more = {"readinessProbe": probe, "securityContext": RESTRICTED}
    pod = make_pod("store", command, "/certificate", volume, **more)
    spec = {"selector": {"app": "store"}, "ports": [{"port": PORT}]}
    objects = [
        make("ConfigMap", "store", binaryData=data),
        make("Service", "store", spec=spec),
        pod,
    ]
    apply = ("apply", "--server-side", "-f", "-")
    kubectl("-n", release.namespace, *apply, stdin=yaml.safe_dump_all(objects))
    ready = ("wait", "--for=condition=Ready", "pod/store", "--timeout=60s")
    kubectl("-n", release.namespace, *ready)
    time.sleep(1)  # its name is known a moment later


FOLDER = "/mnt/models"


@pytest.mark.scenario(18, "models from a volume (pvc://), several at once")
def test_volume(record: ScenarioResult) -> None:
    release = Release("storage")
    release.make_namespace()
    fill_volume(release)
    place = (f"model.path={FOLDER}/unet-int8", f"model.folder={FOLDER}")
    release.install("model.storageUri=pvc://models", *place)
    host = release.host
    default = wait_answer(host)
    record.check("the default model, from the volume: right points", default.right, default)
    student = ask_jpeg(host, model="student_unet")
    record.check("the student beside it: right points", student.right, student)
    found = f"{student.points[:1]} and {default.points[:1]}"
    record.check("the student is another model", student.points != default.points, found)
    absent = ask_jpeg(host, model="absent")
    record.check("a model that is not there: 404", absent.problem.startswith("HTTP 404"), absent)


@pytest.mark.scenario(19, "a model fetched over https by KServe's storage-initializer")
def test_https(record: ScenarioResult) -> None:
    release = Release("fetched")
    release.make_namespace()
    release.install(f"model.storageUri={serve_folder(release)}", wait=180)
    pod = release.pods("predictor")[0]
    names = [container["name"] for container in pod["spec"].get("initContainers", [])]
    record.check("KServe put its storage-initializer in", "storage-initializer" in names, names)
    check_points(record, release.host, "the student, over https: right points")


def fill_volume(release: Release) -> None:
    """Make a volume and copy the images' own models onto it, as an owner of models would."""
    size = {"requests": {"storage": "64Mi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": size}
    volume = {"persistentVolumeClaim": {"claimName": "models"}}
    root = {"runAsUser": 0}  # a folder of the node belongs to root
    command = ["cp", "-r", "/app/models/.", FOLDER]
    pod = make_pod("filler", command, FOLDER, volume, securityContext=root)
    pod["spec"]["restartPolicy"] = "Never"
    objects = [make("PersistentVolumeClaim", "models", spec=spec), pod]
    release.enforce("privileged")  # for this pod alone
    kubectl("-n", release.namespace, "apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
    done = "--for=jsonpath={.status.phase}=Succeeded"
    kubectl("-n", release.namespace, "wait", done, "pod/filler", "--timeout=120s")
    release.enforce("restricted")
