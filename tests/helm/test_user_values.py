"""What the user sets in the InferenceService is there as it was set, and once."""

import pytest

from serving.server import RELEASE
from tests.helm.conftest import PLAIN, container, env, needs_helm, render_service

pytestmark = needs_helm
BOTH = ("predictor", "transformer")


def test_images_by_digest_and_by_tags_of_their_own():
    digests = {"predictor": "sha256:" + "a" * 64, "transformer": "sha256:" + "b" * 64}
    given = {name: {"digest": digest, "tag": "ignored"} for name, digest in digests.items()}
    service = render_service("image.registry=r.example.com:5000/v/", given=given)
    for name, digest in digests.items():
        image = container(service, name)["image"]
        assert image == f"r.example.com:5000/v/landmarks-{name}@{digest}"
    service = render_service("image.tag=v1", "predictor.tag=v2")
    assert container(service, "predictor")["image"].endswith(":v2")
    assert container(service, "transformer")["image"].endswith(":v1")
    # the digest of the CPU's image says nothing of the GPU's
    service = render_service("gpu.enabled=true", given=given)
    assert container(service, "predictor")["image"] == f"landmarks-predictor-cuda:{RELEASE}"


def test_the_users_environment_labels_and_annotations_win_and_come_once():
    source = {"configMapKeyRef": {"name": "a", "key": "b"}}
    variables = [
        {"name": "LANDMARKS_REQUEST_SECONDS", "value": "7"},
        {"name": "LANDMARKS_STOP_SECONDS", "valueFrom": source},
        {"name": "LANDMARKS_DRAIN_SECONDS", "value": None},
        {"name": "LANDMARKS_READY_NEEDS_PREDICTOR", "value": True},
        {"name": "BIG", "value": 1000000},
    ]
    annotations = {"prometheus.io/scrape": False, "prometheus.io/path": None, "mine": 7}
    labels = {"app.kubernetes.io/name": "mine", "app.kubernetes.io/component": None}
    given = {"env": variables, "annotations": annotations, "labels": labels}
    both = dict.fromkeys(BOTH, given)
    service = render_service("autoscaling.predictor.min=0", given=both)
    for component in BOTH:
        found, part = env(container(service, component)), service["spec"][component]
        assert found["LANDMARKS_REQUEST_SECONDS"] == "7" and found["BIG"] == "1000000"
        assert "LANDMARKS_DRAIN_SECONDS" not in found
        assert found["LANDMARKS_READY_NEEDS_PREDICTOR"] == "true"
        assert variables[1] in container(service, component)["env"]
        given_back = {"prometheus.io/scrape": "false", "mine": "7"}
        assert part["annotations"].items() >= given_back.items()
        assert "prometheus.io/path" not in part["annotations"]
        assert part["labels"]["app.kubernetes.io/name"] == "mine"
        assert "app.kubernetes.io/component" not in part["labels"]


def test_what_goes_into_the_pod_is_the_users_as_it_is():
    given = {
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}, {"name": "o", "nfs": {}}],
        "volumeMounts": [{"name": "o", "mountPath": "/tmp"}],
        "envFrom": [{"secretRef": {"name": "keys"}}],
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "podSpec": {"hostAliases": [{"ip": "1.2.3.4"}], "enableServiceLinks": None},
        "topologySpreadConstraints": [{"topologyKey": "zone"}],
        "extraContainers": [{"name": "a", "image": "{{ .Values.modelName }}"}],
        "probes": {"liveness": {"exec": {"command": ["x"]}}, "readiness": {"enabled": False}},
    }
    part = render_service(PLAIN, given={"transformer": given})["spec"]["transformer"]
    entry, beside = part["containers"]
    for key in ("volumes", "tolerations", "affinity", "priorityClassName"):
        assert part[key] == given[key]
    assert entry["volumeMounts"] == given["volumeMounts"] and entry["envFrom"] == given["envFrom"]
    assert part["hostAliases"] and "enableServiceLinks" not in part
    spread = part["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    assert spread["component"] == "transformer"
    assert beside["image"] == "unet" and beside["securityContext"]["readOnlyRootFilesystem"]
    assert "httpGet" not in entry["livenessProbe"] and "readinessProbe" not in entry


@pytest.mark.parametrize("component", BOTH)
def test_openshift_may_choose_the_user(component):
    service = render_service(files=("ci/openshift-values.yaml",))
    context = container(service, component)["securityContext"]
    assert context["runAsNonRoot"] and not {"runAsUser", "runAsGroup"} & set(context)
