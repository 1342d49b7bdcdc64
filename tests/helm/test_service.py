"""The InferenceService, switch by switch."""

import pytest

from serving.server import RELEASE
from tests.helm import conftest
from tests.helm.conftest import ONE, PLAIN, container, env, find, render, render_service

pytestmark = conftest.needs_helm
BOTH = ("predictor", "transformer")
EACH = ["protocol=grpc", ONE, "autoscaling.mode=keda", "autoscaling.mode=external", PLAIN]
EACH += ["gpu.enabled=true", "predictor.canaryTrafficPercent=10"]
VARIANTS = (
    *((), *((value,) for value in EACH), (ONE, "protocol=grpc", "autoscaling.mode=keda")),
    ("model.storageUri=pvc://models/unet", "model.path=/mnt/models/unet.pth"),
    ("autoscaling.predictor.min=0", "autoscaling.transformer.min=0"),
)


@pytest.mark.parametrize("values", VARIANTS, ids=lambda values: ",".join(values) or "defaults")
def test_the_api_server_is_asked_about_the_pods_of_every_variant_first(values):
    documents = render(*values)
    service = find(documents, "InferenceService")
    for component, spec in service["spec"].items():
        looked = find(documents, "ReplicaSet", f"landmarks-check-{component}")["spec"]
        labels, pod = looked["template"]["metadata"]["labels"], looked["template"]["spec"]
        assert looked["replicas"] == 0 and pod == {key: spec[key] for key in pod}
        assert looked["selector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("mode", conftest.MODES)
@pytest.mark.parametrize("topology", ["split", "single"])
def test_what_holds_in_every_mode(mode, topology):
    service = render_service(f"autoscaling.mode={mode}", f"topology={topology}")
    scaler = service["metadata"]["annotations"].get("serving.kserve.io/autoscalerClass")
    assert scaler == (None if mode == "knative" else mode)
    for part in service["spec"].values():
        assert (part["minReplicas"], part["maxReplicas"]) == (1, 1 if mode == "none" else 8)
        (entry,) = part["containers"]
        assert {"--model_name=unet", "--workers=1", "--http_port=8080"} <= set(entry["args"])
        variables = env(entry)
        assert variables["PROTOCOL"] == "v2"  # else an InferenceGraph asks V1
        assert variables["LANDMARKS_MAX_INFLIGHT"] in ("128", "256")
        assert part.get("containerConcurrency", 0) == 0  # the pod refuses by itself, before others
        context = entry["securityContext"]
        assert context["runAsNonRoot"] and context["readOnlyRootFilesystem"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        key = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
        assert part["annotations"][key] == "tmp"
        assert ("scaleMetric" in part) == (mode == "knative")  # KServe refuses it beside KEDA
        assert ("autoScaling" in part) == (mode == "keda")
        assert ("terminationGracePeriodSeconds" in part) == (mode != "knative")


@pytest.mark.parametrize(
    ("values", "predictor", "transformer"),
    [
        ((), ["h2c"], ["http1"]),
        (("protocol=grpc",), ["h2c"], ["h2c"]),
        ((PLAIN,), ["h2c", "http1"], ["http1", "grpc"]),
        ((PLAIN, "protocol=grpc"), ["h2c", "http1"], ["h2c", "http1"]),
    ],
)
def test_knative_gets_one_port_and_plain_deployments_both(values, predictor, transformer):
    service = render_service(*values)
    for component, names in (("predictor", predictor), ("transformer", transformer)):
        entry = container(service, component)
        assert [port["name"] for port in entry["ports"]] == names
        by_grpc = {"port": 8081, "service": "unet"} if names == ["h2c"] else None
        assert entry["readinessProbe"].get("grpc") == by_grpc


@pytest.mark.parametrize("topology, service", [("split", "predictor"), ("single", "transformer")])
def test_keda_counts_the_same_in_prometheus(topology, service):
    values = (f"topology={topology}", "autoscaling.mode=keda")
    targets = ("autoscaling.predictor.target=10", "autoscaling.single.target=10")
    (metric,) = render_service(*values, *targets)["spec"]["predictor"]["autoScaling"]["metrics"]
    assert metric["external"]["target"] == {"type": "Value", "value": "7"}  # 10 x 70 %
    assert metric["external"]["metric"]["query"] == (
        f'sum(landmarks_inflight_requests{{service="{service}",'
        'namespace="vision",pod=~"landmarks-predictor-[^-]+-[^-]+"})'
    )


@pytest.mark.parametrize(("percent", "found"), [("10", 10), ("0", 0), ("null", None)])
def test_a_canary_is_of_one_component(percent, found):
    spec = render_service(f"predictor.canaryTrafficPercent={percent}")["spec"]
    assert spec["predictor"].get("canaryTrafficPercent") == found
    assert "canaryTrafficPercent" not in spec["transformer"]


def test_the_transformer_reaches_the_gateway_or_all_pods():
    for values, host in (((), "predictor.vision:80"), ((PLAIN,), "predictor-pods.vision:8081")):
        arguments = container(render_service(*values), "transformer")["args"]
        assert f"--predictor_host=landmarks-{host}" in arguments
    assert find(render(PLAIN), "Service")["spec"]["clusterIP"] == "None"
    assert not [d for d in [*render(), *render(PLAIN, ONE)] if d["kind"] == "Service"]


def test_a_transformer_does_not_keep_a_predictor_awake_that_may_sleep():
    name = "LANDMARKS_READY_NEEDS_PREDICTOR"
    service = render_service("autoscaling.predictor.min=0", "autoscaling.transformer.min=0")
    assert env(container(service, "transformer"))[name] == "false"
    assert name not in env(container(render_service(), "transformer"))


def test_the_gpu_goes_to_the_predictor_alone_and_a_full_pool_makes_room_first():
    service = render_service(PLAIN, "gpu.enabled=true", "gpu.resource=nvidia.com/mig-1g.10gb")
    predictor = container(service, "predictor")
    assert predictor["resources"]["limits"]["nvidia.com/mig-1g.10gb"] == "1"
    assert predictor["image"] == f"landmarks-predictor-cuda:{RELEASE}"
    assert env(predictor)["LANDMARKS_ENGINE"] == "onnxruntime"
    part, other = service["spec"]["predictor"], service["spec"]["transformer"]
    assert part["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert part["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert part["deploymentStrategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert other["deploymentStrategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert "nodeSelector" not in other and "tolerations" not in other


def test_one_process_has_the_predictors_values_and_an_image_of_both():
    values = ("predictor.args={--more}", "model.path=/a.pth", "transformer.demoPage=true")
    spec = render_service(ONE, *values)["spec"]
    assert set(spec) == {"predictor"} and "visibility" not in str(spec)
    (entry,) = spec["predictor"]["containers"]
    assert entry["image"] == f"landmarks-standalone:{RELEASE}" and entry["args"][-1] == "--more"
    assert not [argument for argument in entry["args"] if "predictor" in argument]
    assert env(entry)["LANDMARKS_MODEL"] == "/a.pth"
    assert env(entry)["LANDMARKS_DEMO_PAGE"] == "true"


def test_the_model_comes_from_the_image_or_a_volume():
    assert "LANDMARKS_MODEL" not in env(container(render_service(), "predictor"))
    store = "model.storageUri=s3://b/unet"
    values = (store, "model.path=/mnt/models/a.pth", "model.folder=/mnt/models")
    service = render_service(*values)
    variables = env(container(service, "predictor"))
    assert variables["STORAGE_URI"] == "s3://b/unet"
    assert variables["LANDMARKS_MODEL"] == "/mnt/models/a.pth"
    assert variables["LANDMARKS_MODELS"] == "/mnt/models"
    assert "STORAGE_URI" not in env(container(service, "transformer"))
    assert env(container(render_service(store), "predictor"))["LANDMARKS_MODEL"] == "/mnt/models"


def test_plain_pods_outlive_their_drain_and_longest_request():
    service = render_service(PLAIN, "timeoutSeconds=40", "drainSeconds=7")
    for component in BOTH:
        variables = env(container(service, component))
        needed = sum(int(variables[f"LANDMARKS_{name}_SECONDS"]) for name in ("DRAIN", "STOP"))
        assert service["spec"][component]["terminationGracePeriodSeconds"] >= needed == 47
