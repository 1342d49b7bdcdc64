"""The caller's own checkpoints: on a volume, and fetched by KServe's storage-initializer."""

import pytest
import yaml

from serving.server import RELEASE
from tests.cluster.commands import kubectl
from tests.cluster.https_store import serve_folder
from tests.cluster.journal import ScenarioResult
from tests.cluster.picture import ask_jpeg, check_points, wait_answer
from tests.cluster.release import Release

FOLDER = "/mnt/models"


@pytest.mark.scenario(18, "models from a volume (pvc://), several at once")
def test_volume(record: ScenarioResult) -> None:
    release = Release("storage")
    release.make_namespace()
    fill_volume(release)
    release.install(
        "model.storageUri=pvc://models",
        f"model.path={FOLDER}/unet-int8",
        f"model.folder={FOLDER}",
    )
    host = release.host
    default = wait_answer(host)
    record.check("the default model, from the volume: right points", default.right, default)
    student = ask_jpeg(host, model="student_unet")
    record.check("the student beside it: right points", student.right, student)
    record.check(
        "the student is another model",
        student.points != default.points,
        f"{student.points[:1]} and {default.points[:1]}",
    )
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
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "models"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "64Mi"}},
        },
    }
    container = {
        "name": "copy",
        "image": f"landmarks-predictor:{RELEASE}",
        "command": ["cp", "-r", "/app/models/.", FOLDER],
        "volumeMounts": [{"name": "models", "mountPath": FOLDER}],
        "securityContext": {"runAsUser": 0},  # a folder of the node belongs to root
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "filler"},
        "spec": {
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}],
        },
    }
    release.enforce("privileged")  # for this pod alone
    kubectl("-n", release.namespace, "apply", "-f", "-", stdin=yaml.safe_dump_all([claim, pod]))
    done = "--for=jsonpath={.status.phase}=Succeeded"
    kubectl("-n", release.namespace, "wait", done, "pod/filler", "--timeout=120s")
    release.enforce("restricted")
