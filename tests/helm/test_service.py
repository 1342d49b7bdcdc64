"""The InferenceService, switch by switch."""

import pytest
from kserve import constants

from tests.helm.conftest import CHART, container, env, find, needs_helm, render, render_service
from tests.helm.kserve_types import check

pytestmark = needs_helm

CI_FILES = tuple(path.name.removesuffix("-values.yaml") for path in sorted(CHART.glob("ci/*.yaml")))
VARIANTS = (
    (),
    ("protocol=grpc",),
    ("topology=collocated",),
    ("topology=collocated", "protocol=grpc", "autoscaling.mode=none"),
    ("topology=single",),
    ("topology=single", "protocol=grpc", "autoscaling.mode=keda"),
    ("autoscaling.mode=keda",),
    ("autoscaling.mode=hpa",),
    ("autoscaling.mode=none",),
    ("gpu.enabled=true",),
    ("canaryTrafficPercent=10",),
    ("model.storageUri=pvc://models/unet", "model.path=/mnt/models/unet.pth"),
    ("autoscaling.predictor.min=0", "autoscaling.transformer.min=0"),
)


@pytest.mark.parametrize("values", VARIANTS, ids=lambda values: ",".join(values) or "defaults")
def test_every_variant_is_what_the_sdk_calls_an_inference_service(values):
    service = render_service(*values)
    assert service["apiVersion"] == constants.KSERVE_V1BETA1
    check(service, "V1beta1InferenceService")


@pytest.mark.parametrize("name", CI_FILES)
def test_every_example_is_what_the_sdk_calls_an_inference_service(name):
    check(render_service(files=(f"ci/{name}-values.yaml",)), "V1beta1InferenceService")


def test_the_check_refuses_what_the_sdk_has_not():
    service = render_service()
    service["spec"]["predictor"]["containers"][0]["imagePullPolice"] = "Always"
    with pytest.raises(AssertionError, match="imagePullPolice"):
        check(service, "V1beta1InferenceService")


def test_it_is_called_as_the_release_and_the_model_is_unet():
    service = render_service()
    assert service["metadata"]["name"] == "landmarks"
    for component in ("predictor", "transformer"):
        assert "--model_name=unet" in container(service, component)["args"]


@pytest.mark.parametrize("mode", ["knative", "keda", "hpa", "none"])
def test_workers_is_always_one_or_kserve_would_add_another(mode):
    service = render_service(f"autoscaling.mode={mode}")
    for component in ("predictor", "transformer"):
        assert "--workers=1" in container(service, component)["args"]


@pytest.mark.parametrize(
    ("values", "predictor", "transformer"),
    [
        ((), ["h2c"], ["http1"]),
        (("protocol=grpc",), ["h2c"], ["h2c"]),
        (("autoscaling.mode=none",), ["h2c", "http1"], ["http1", "grpc"]),
        (("autoscaling.mode=none", "protocol=grpc"), ["h2c", "http1"], ["h2c", "http1"]),
    ],
)
def test_knative_gets_one_port_and_plain_deployments_both(values, predictor, transformer):
    service = render_service(*values)
    for component, names in (("predictor", predictor), ("transformer", transformer)):
        assert [port["name"] for port in container(service, component)["ports"]] == names


def test_the_transformer_reaches_the_gateway_or_all_pods():
    knative = container(render_service(), "transformer")["args"]
    plain = container(render_service("autoscaling.mode=none"), "transformer")["args"]
    assert "--predictor_host=landmarks-predictor.vision:80" in knative
    assert "--predictor_host=landmarks-predictor-pods.vision:8081" in plain


def test_plain_deployments_get_a_headless_service_over_the_predictors():
    service = find(render("autoscaling.mode=none"), "Service")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {
        "serving.kserve.io/inferenceservice": "landmarks",
        "component": "predictor",
    }
    assert not [d for d in render() if d["kind"] == "Service"]


def test_collocated_containers_share_a_pod_and_no_port():
    spec = render_service("topology=collocated")["spec"]
    assert "transformer" not in spec
    model, transformer = spec["predictor"]["containers"]  # KServe wants the model first
    assert (model["name"], transformer["name"]) == ("kserve-container", "transformer-container")
    assert "ports" not in model
    ports = [
        argument.split("=")[1]
        for entry in (model, transformer)
        for argument in entry["args"]
        if "_port=" in argument
    ]
    assert len(set(ports)) == 4
    assert "--predictor_host=localhost:8081" in transformer["args"]


def test_readiness_asks_the_model():
    service = render_service("autoscaling.mode=none")
    for component in ("predictor", "transformer"):
        probe = container(service, component)["readinessProbe"]
        assert probe["httpGet"] == {"path": "/v2/models/unet/ready", "port": 8080}
    probe = container(render_service(), "predictor")["readinessProbe"]
    assert probe["grpc"] == {"port": 8081, "service": "unet"}


def test_a_transformer_does_not_keep_a_predictor_awake_that_may_sleep():
    name = "LANDMARKS_READY_NEEDS_PREDICTOR"
    service = render_service("autoscaling.predictor.min=0")
    assert env(container(service, "transformer"))[name] == "false"
    assert name not in env(container(render_service(), "transformer"))


def test_env_reaches_its_component_as_traces_need_it():
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    given = [
        f"{component}.env[0].{key}={value}"
        for component in ("predictor", "transformer")
        for key, value in (("name", name), ("value", "http://otel-collector.monitoring:4318"))
    ]
    service = render_service(*given)
    for component in ("predictor", "transformer"):
        assert env(container(service, component))[name] == "http://otel-collector.monitoring:4318"


def test_the_gpu_goes_to_the_predictor_alone():
    service = render_service("gpu.enabled=true", "gpu.resource=nvidia.com/mig-1g.10gb")
    predictor = container(service, "predictor")
    assert predictor["resources"]["limits"]["nvidia.com/mig-1g.10gb"] == "1"
    assert predictor["image"] == "landmarks-predictor-cuda:0.1.0"
    assert env(predictor)["LANDMARKS_ENGINE"] == "cuda"
    assert service["spec"]["predictor"]["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert service["spec"]["predictor"]["tolerations"][0]["key"] == "nvidia.com/gpu"
    transformer = service["spec"]["transformer"]
    assert "nodeSelector" not in transformer and "tolerations" not in transformer
    assert list(container(service, "transformer")["resources"]["limits"]) == ["cpu", "memory"]


@pytest.mark.parametrize(("given", "seen"), [("", "false"), ("true", "true"), ("null", "false")])
def test_the_page_is_shown_where_it_is_asked_for(given, seen):
    service = render_service(*([f"transformer.demoPage={given}"] if given else []))
    assert env(container(service, "transformer"))["LANDMARKS_DEMO_PAGE"] == seen
    assert "LANDMARKS_DEMO_PAGE" not in env(container(service, "predictor"))


def test_the_model_comes_from_the_image_or_a_volume():
    assert "LANDMARKS_MODEL" not in env(container(render_service(), "predictor"))
    service = render_service("model.storageUri=s3://bucket/unet", "model.path=/mnt/models/a.pth")
    variables = env(container(service, "predictor"))
    assert variables["STORAGE_URI"] == "s3://bucket/unet"
    assert variables["LANDMARKS_MODEL"] == "/mnt/models/a.pth"
    assert "STORAGE_URI" not in env(container(service, "transformer"))


def test_more_models_come_from_a_folder():
    service = render_service(
        "model.storageUri=pvc://models/all",
        "model.path=/mnt/models/unet.pth",
        "model.folder=/mnt/models",
    )
    assert env(container(service, "predictor"))["LANDMARKS_MODELS"] == "/mnt/models"


def test_images_have_registry_and_tag():
    service = render_service("image.registry=r.example.com/v", "image.tag=v9")
    assert container(service, "predictor")["image"] == "r.example.com/v/landmarks-predictor:v9"


@pytest.mark.parametrize("values", [(), ("topology=collocated",), ("topology=single",)])
def test_every_container_satisfies_pod_security_restricted(values):
    spec = render_service(*values)["spec"]
    for component in spec.values():
        for entry in component["containers"]:
            context = entry["securityContext"]
            assert context["runAsNonRoot"] and context["readOnlyRootFilesystem"]
            assert context["runAsUser"] == 65532
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_plain_pods_outlive_their_drain_and_longest_request():
    service = render_service("autoscaling.mode=none", "timeoutSeconds=40", "drainSeconds=7")
    for component in ("predictor", "transformer"):
        variables = env(container(service, component))
        needed = int(variables["LANDMARKS_DRAIN_SECONDS"]) + int(
            variables["LANDMARKS_STOP_SECONDS"]
        )
        assert service["spec"][component]["terminationGracePeriodSeconds"] >= needed == 47


def test_knative_refuses_a_grace_period_so_it_gets_none():
    service = render_service()
    for component in ("predictor", "transformer"):
        assert "terminationGracePeriodSeconds" not in service["spec"][component]


def test_a_spread_constraint_without_selector_gets_the_components():
    service = render_service(
        "transformer.topologySpreadConstraints[0].topologyKey=zone",
        "transformer.topologySpreadConstraints[0].maxSkew=1",
    )
    (constraint,) = service["spec"]["transformer"]["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "zone"
    assert constraint["labelSelector"]["matchLabels"]["component"] == "transformer"


def test_more_environment_arguments_and_volumes_are_added():
    service = render_service(
        "predictor.env[0].name=LANDMARKS_THREADS",
        "predictor.env[0].value=3",
        "predictor.args={--verbose}",
        "predictor.volumes[0].name=x,predictor.volumes[0].emptyDir.sizeLimit=1Gi",
        "predictor.volumeMounts[0].name=x",
        "predictor.volumeMounts[0].mountPath=/x",
    )
    predictor = container(service, "predictor")
    assert env(predictor)["LANDMARKS_THREADS"] == "3"
    assert predictor["args"][-1] == "--verbose"
    assert [volume["name"] for volume in service["spec"]["predictor"]["volumes"]] == ["tmp", "x"]
    assert [mount["name"] for mount in predictor["volumeMounts"]] == ["tmp", "x"]
