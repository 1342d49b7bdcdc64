"""What the user sets wins, comes out once, and reaches what it is named after."""

import pytest

from tests.helm.conftest import MODES, container, env, find, needs_helm, render, render_service

pytestmark = needs_helm
BOTH = ("predictor", "transformer")


@pytest.mark.parametrize("component", BOTH)
def test_the_users_environment_replaces_the_charts(component):
    given = [
        {"name": "LANDMARKS_REQUEST_SECONDS", "value": "7"},
        {
            "name": "LANDMARKS_STOP_SECONDS",
            "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}},
        },
        {"name": "LANDMARKS_DRAIN_SECONDS", "value": None},
        {"name": "LANDMARKS_ENGINE", "value": "openvino"},
        {"name": "LANDMARKS_READY_NEEDS_PREDICTOR", "value": True},
        {"name": "BIG", "value": 1000000},
    ]
    service = render_service("autoscaling.predictor.min=0", given={component: {"env": given}})
    entry = container(service, component)
    variables = env(entry)
    assert variables["LANDMARKS_REQUEST_SECONDS"] == "7"
    assert "LANDMARKS_DRAIN_SECONDS" not in variables
    assert variables["LANDMARKS_ENGINE"] == "openvino"
    assert variables["LANDMARKS_READY_NEEDS_PREDICTOR"] == "true"
    assert variables["BIG"] == "1000000"
    (stop,) = [e for e in entry["env"] if e["name"] == "LANDMARKS_STOP_SECONDS"]
    assert stop == given[1]


def test_a_prefix_of_the_storage_may_be_set_by_hand():
    given: dict = {"model": {"storageUri": "s3://b/m", "path": "/mnt/models/a.pth"}}
    given["predictor"] = {"env": [{"name": "STORAGE_URI", "value": "s3://other/m"}]}
    assert env(container(render_service(given=given), "predictor"))["STORAGE_URI"] == "s3://other/m"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("component", BOTH)
def test_the_users_annotations_and_labels_win(mode, component):
    annotations = {
        "prometheus.io/scrape": False,
        "prometheus.io/path": None,
        "autoscaling.knative.dev/window": "90s",
        "mine": 7,
    }
    labels = {"app.kubernetes.io/name": "mine", "app.kubernetes.io/component": None, "tier": "a"}
    given = {component: {"annotations": annotations, "labels": labels}}
    found = render_service(f"autoscaling.mode={mode}", given=given)["spec"][component]
    assert found["annotations"]["prometheus.io/scrape"] == "false"
    assert "prometheus.io/path" not in found["annotations"]
    assert found["annotations"]["autoscaling.knative.dev/window"] == "90s"
    assert found["annotations"]["mine"] == "7"
    assert found["labels"]["app.kubernetes.io/name"] == "mine"
    assert "app.kubernetes.io/component" not in found["labels"]


def test_labels_of_every_object_may_be_replaced():
    labels = {"app.kubernetes.io/managed-by": "us", "app.kubernetes.io/version": None, "a": "b"}
    documents = render(
        given={"commonLabels": labels},
        options=(
            "--set",
            "networkPolicy.enabled=true,monitoring.podMonitor=true,monitoring.dashboard=true",
        ),
    )
    for document in documents:
        found = document["metadata"]["labels"]
        assert found["app.kubernetes.io/managed-by"] == "us" and found["a"] == "b"
        assert "app.kubernetes.io/version" not in found


def test_scrape_annotations_can_be_switched_off():
    for component in render_service("monitoring.scrapeAnnotations=false")["spec"].values():
        assert not [key for key in component["annotations"] if key.startswith("prometheus.io/")]
    service = render_service("monitoring.scrapeAnnotations=false", "autoscaling.mode=none")
    assert all("annotations" not in component for component in service["spec"].values())


def test_the_users_volume_and_mount_replace_tmp():
    volume = {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}
    mount = {"name": "other", "mountPath": "/tmp"}
    other = {"name": "other", "emptyDir": {}}
    given = {"transformer": {"volumes": [volume, other], "volumeMounts": [mount]}}
    service = render_service("autoscaling.mode=none", given=given)
    assert service["spec"]["transformer"]["volumes"] == [volume, other]
    assert container(service, "transformer")["volumeMounts"] == [mount]


def test_images_by_digest_and_by_tags_of_their_own():
    digests = {"predictor": "sha256:" + "a" * 64, "transformer": "sha256:" + "b" * 64}
    given = {name: {"digest": digest, "tag": "ignored"} for name, digest in digests.items()}
    service = render_service("image.registry=r.example.com:5000/v/", given=given)
    for name, digest in digests.items():
        assert (
            container(service, name)["image"] == f"r.example.com:5000/v/landmarks-{name}@{digest}"
        )
    service = render_service("image.tag=v1", "predictor.tag=v2")
    assert container(service, "predictor")["image"].endswith(":v2")
    assert container(service, "transformer")["image"].endswith(":v1")
    # the digest of the CPU's image says nothing of the GPU's
    service = render_service("gpu.enabled=true", given=given)
    assert container(service, "predictor")["image"] == "landmarks-predictor-cuda:0.1.0"


@pytest.mark.parametrize(
    ("values", "surge", "unavailable"), [((), 1, 0), (("gpu.enabled=true",), 0, 1)]
)
def test_a_full_gpu_pool_makes_room_first(values, surge, unavailable):
    spec = render_service("autoscaling.mode=none", *values)["spec"]
    rolling = spec["predictor"]["deploymentStrategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": surge, "maxUnavailable": unavailable}
    assert spec["transformer"]["deploymentStrategy"]["rollingUpdate"]["maxSurge"] == 1


def test_probes_keep_what_is_not_given_and_take_other_handlers():
    probes = {
        "startup": {"periodSeconds": 5, "failureThreshold": 60},
        "liveness": {"initialDelaySeconds": None, "exec": {"command": ["true"]}},
        "readiness": {"enabled": False},
    }
    entry = container(render_service(given={"transformer": {"probes": probes}}), "transformer")
    assert entry["startupProbe"] == {
        "httpGet": {"path": "/v2/health/live", "port": 8080},
        "timeoutSeconds": 5,
        "periodSeconds": 5,
        "failureThreshold": 60,
    }
    assert entry["livenessProbe"]["exec"] == {"command": ["true"]}
    assert not {"httpGet", "initialDelaySeconds"} & set(entry["livenessProbe"])
    assert entry["livenessProbe"]["failureThreshold"] == 6
    assert "readinessProbe" not in entry


def test_extra_containers_run_as_the_chart_does_unless_they_say_otherwise():
    own = {"name": "b", "image": "x", "securityContext": {"runAsUser": 1}}
    given = {"predictor": {"extraContainers": [{"name": "a", "image": "x"}, own]}}
    service = render_service("topology=collocated", given=given)
    contexts = {e["name"]: e["securityContext"] for e in service["spec"]["predictor"]["containers"]}
    assert contexts["a"]["readOnlyRootFilesystem"] and contexts["b"] == {"runAsUser": 1}


def test_a_collocated_pod_has_the_volumes_and_containers_of_both():
    given = {
        name: {
            "volumes": [{"name": name, "emptyDir": {}}],
            "volumeMounts": [{"name": name, "mountPath": "/x"}],
            "extraContainers": [{"name": f"beside-{name}", "image": "x"}],
        }
        for name in BOTH
    }
    pod = render_service("topology=collocated", given=given)["spec"]["predictor"]
    assert [volume["name"] for volume in pod["volumes"]] == ["tmp", "predictor", "transformer"]
    assert [e["name"] for e in pod["containers"]][2:] == ["beside-predictor", "beside-transformer"]


def test_extra_objects_are_maps_or_text_with_templates():
    text = (
        'apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ include "landmarks.fullname" . }}-a\n'
    )
    entry = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "{{ .Values.modelName }}-b"},
    }
    documents = render(given={"extraObjects": [text, entry]})
    assert find(documents, "Secret")["metadata"]["name"] == "landmarks-a"
    assert find(documents, "ConfigMap", "unet-b")


def test_openshift_may_choose_the_user():
    service = render_service(files=("ci/openshift-values.yaml",))
    for component in BOTH:
        context = container(service, component)["securityContext"]
        assert context["runAsNonRoot"] and not {"runAsUser", "runAsGroup"} & set(context)


def test_helm_test_leaves_nothing_and_has_no_sidecar():
    pod = find(render(), "Pod")["metadata"]
    assert pod["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    assert pod["annotations"]["sidecar.istio.io/inject"] == "false"
    assert pod["labels"]["sidecar.istio.io/inject"] == "false"
