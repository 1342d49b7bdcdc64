"""What KServe takes and no pod could be made of is refused: it would only never become Ready."""

import hashlib
import re

import pytest

from tests.helm.conftest import Refused, merge, needs_helm, nest, render, render_service

pytestmark = needs_helm
NONE = {"autoscaling": {"mode": "none"}}
SIDE: dict = {"name": "side", "image": "x:1"}
VOLUME: dict = {"name": "a", "emptyDir": {}}
FIELD = {"fieldRef": {"fieldPath": "metadata.name"}}
PORT: dict = {"port": 1}
TWO = {"maxSurge": 0, "maxUnavailable": "0%"}
SPREAD = {"topologyKey": "zone"}
TMP = {"name": "tmp", "mountPath": "/x"}
BOTH = {"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}}
CIDR = {"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}

REFUSED: list[tuple[str, object, str]] = [
    ("predictor.volumeMounts", [{"name": "no", "mountPath": "/x"}], "no volume is called so"),
    ("predictor.extraContainers", [SIDE | {"volumeMounts": [{"name": "no"}]}], "mounts no, but"),
    ("predictor.extraContainers", [SIDE | {"name": "My_C"}], "small letters, digits and dashes"),
    ("predictor.extraContainers", [SIDE, SIDE], "has the name side twice"),
    ("predictor.extraContainers", [SIDE | {"env": [{"name": "A"}] * 2}], "has the name A twice"),
    ("predictor.volumes", [{"name": "a"}], "'/predictor/volumes/0': minProperties"),
    ("predictor.volumes", [{"name": "a", "emptydir": {}}], "additional properties 'emptydir'"),
    ("predictor.volumes", [VOLUME | {"secret": {}}], "'/predictor/volumes/0': maxProperties"),
    ("predictor.env", [{"name": "A", "value": "1", "valueFrom": FIELD}], "takes one of them"),
    ("predictor.args", ["--http_port=9000"], "leave the ports, and set modelName"),
    ("transformer.args", ["--model_name", "x"], "leave the ports, and set modelName"),
    ("predictor.resources.requests.cpu", "2500m", "is above predictor.resources.limits.cpu (2)"),
    ("predictor.resources.requests.memory", "2e9", "above predictor.resources.limits.memory (1Gi)"),
    ("predictor.resources.requests.nvidia\\.com/gpu", 1, "leave the request out"),
    ("predictor.resources.limits.nvidia\\.com/gpu", "500m", "given as a whole"),
    ("predictor.resources.limits.gpu", 1, "has gpu, which is no resource"),
    ("predictor.strategy.rollingUpdate", TWO, "no pod could ever be replaced"),
    ("predictor.strategy.rollingUpdate.maxUnavailable", "101%", "does not match pattern"),
    ("predictor.probes.liveness.successThreshold", 2, "has to be 1"),
    ("predictor.probes.readiness.terminationGracePeriodSeconds", 2, "it stops no pod"),
    ("predictor.probes.liveness", {"tcpSocket": PORT, "grpc": PORT}, "takes one of them"),
    ("predictor.probes.liveness.httpGet", {}, "is empty: say what it asks"),
    ("predictor.tolerations", [{"key": "a", "operator": "Exists", "value": "x"}], "Equal does"),
    ("predictor.tolerations", [{"value": "x"}], "an entry without a key"),
    ("test.tolerations", [{"key": "a", "tolerationSeconds": 5}], "the effect NoExecute only"),
    ("predictor.topologySpreadConstraints", [SPREAD, SPREAD], "each pair may be there once"),
    ("predictor.topologySpreadConstraints", [SPREAD | {"minDomains": 2}], "has minDomains"),
    ("predictor.labels.component", "x", "choose another key"),
    ("commonLabels.serving\\.kserve\\.io/inferenceservice", "x", "choose another key"),
    ("predictor.annotations.autoscaling\\.knative\\.dev/min-scale", 3, "autoscaling.*.min decides"),
    ("inferenceService.annotations.autoscaling\\.knative\\.dev/target", 3, "*.target decides"),
    ("securityContext.runAsUser", 0, "no container would start"),
    ("securityContext.privileged", True, "which Kubernetes refuses together"),
    ("networkPolicy.extraFrom", [CIDR], "give each an entry of its own"),
    ("networkPolicy.extraFrom", [{"ipBlock": {"cidr": "10.0.0.0"}}], "does not match pattern"),
    ("networkPolicy.fromNamespaces", ["a" * 64], "maxLength"),
    ("monitoring.additionalRules", [{"alert": "x"}], "missing property 'expr'"),
    ("serviceAccount.name", "a..b", "'/serviceAccount/name'"),
    ("securityContext.seccompProfile.type", "Runtime", "'RuntimeDefault', 'Unconfined'"),
    ("securityContext.seccompProfile.type", "Localhost", "name the file in localhostProfile"),
    ("predictor.podSpec.dnsPolicy", "None", "which needs a dnsConfig"),
    ("predictor.podSpec", {"hostNetwork": True, "hostUsers": False}, "with hostUsers false"),
    ("predictor.podSpec.hostname", "A_B", "'/predictor/podSpec/hostname'"),
    ("predictor.podSpec.hostAliases", [{"ip": "x", "hostnames": ["a"]}], "hostAliases/0/ip'"),
    ("predictor.podSpec.os.name", "windows", "value must be 'linux'"),
    ("predictor.volumeMounts", [TMP | {"subPath": "../y"}], "'/predictor/volumeMounts/0/subPath'"),
    ("predictor.volumeMounts", [TMP | {"subPath": "y", "subPathExpr": "z"}], "takes one of them"),
    ("predictor.lifecycle.preStop", {}, "'/predictor/lifecycle/preStop'"),
    ("predictor.envFrom", [BOTH], "give each an entry of its own"),
    ("predictor.resources.requests.memory", "512m", "mebibytes are written 512Mi"),
    ("predictor.env", [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a"}}}], "'key'"),
    ("predictor.annotations.autoscaling\\.knative\\.dev/window", "90", "Knative wants a unit"),
    ("modelName", "..", "'/modelName'"),
    ("model.path", "/app/models/x.onnx", "must be a checkpoint, .pth or .pt"),
    ("model", {"storageUri": "pvc://A_b/m", "path": "/mnt/models/x.pth"}, "can't be called A_b"),
    ("monitoring.relabelings", [{"action": "keeep"}], "relabelings/0/action'"),
    ("monitoring", {"interval": "10s", "scrapeTimeout": "1m"}, "longer than monitoring.interval"),
    ("predictor.podSpec.priority", 5, "additional properties 'priority'"),
]
KNATIVE: list[tuple[str, object, str]] = [
    ("predictor.env", [{"name": "PORT", "value": "1"}], "which Knative sets itself"),
    ("predictor.extraContainers", [SIDE | {"ports": [{"containerPort": 9}]}], "has ports, which"),
    ("predictor.extraContainers", [SIDE | {"lifecycle": {"preStop": {}}}], "has lifecycle, which"),
    ("predictor.volumes", [VOLUME], "which no container mounts, and Knative refuses that"),
    ("predictor.volumes", [{"name": "a", "nfs": {}}], "a is of the kind nfs"),
    ("podSecurityContext.sysctls", [{"name": "a", "value": "b"}], "Knative refuses it"),
]
TAKEN: list[tuple[str, object]] = [
    ("predictor.volumeMounts", [{"name": "tmp", "mountPath": "/x"}]),
    ("predictor", {"volumes": [VOLUME], "extraContainers": [SIDE | {"volumeMounts": [VOLUME]}]}),
    ("predictor.extraContainers", [SIDE | {"name": "{{ .Release.Name }}-side"}]),
    ("predictor.extraContainers", [SIDE | {"ports": [{"containerPort": 9}]}]),
    ("predictor.resources", {"requests": {"cpu": "2000m", "memory": "1073741824"}}),
    ("predictor.resources", {"requests": {"cpu": 2.0, "memory": "0.5Gi"}}),
    ("predictor.resources.limits", {"nvidia.com/gpu": 1, "ephemeral-storage": "1Gi"}),
    ("predictor.resources.limits.cpu", None),
    ("predictor.strategy.rollingUpdate", {"maxSurge": 0, "maxUnavailable": 1}),
    ("predictor.strategy.rollingUpdate", {"maxUnavailable": 0}),
    ("predictor.lifecycle.preStop.sleep.seconds", 3),
    ("predictor.volumeMounts", [TMP | {"subPath": "a.b/..c/.d"}]),
    ("predictor.volumes", [VOLUME]),
    ("predictor.tolerations", [{"operator": "Exists"}]),
    (
        "predictor.topologySpreadConstraints",
        [SPREAD, SPREAD | {"whenUnsatisfiable": "DoNotSchedule"}],
    ),
    ("predictor.args", ["--workers=2", "--enable_docs_url=true"]),
    ("predictor.env", [{"name": "PORT", "value": "1"}]),
    ("model", {"storageUri": "s3://b/m", "folder": "/mnt/models"}),
]


def escape(path: str, value: object) -> dict:
    """Return the value under a path whose keys may have dots, written \\. in them."""
    found = nest(path.replace("\\.", "\0"), value)

    def unescape(part: object) -> object:
        if not isinstance(part, dict):
            return part
        return {key.replace("\0", "."): unescape(inner) for key, inner in part.items()}

    result = unescape(found)
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize(("path", "value", "sentence"), REFUSED)
def test_it_is_refused_with_a_sentence(path, value, sentence):
    with pytest.raises(Refused) as refused:
        render(given=merge(NONE, escape(path, value)))
    assert sentence in str(refused.value) and "nil pointer" not in str(refused.value)


@pytest.mark.parametrize(("path", "value", "sentence"), KNATIVE)
def test_knative_would_refuse_it(path, value, sentence):
    with pytest.raises(Refused) as refused:
        render(given=escape(path, value))
    assert sentence in str(refused.value)


@pytest.mark.parametrize(("path", "value"), TAKEN)
def test_its_neighbours_are_taken(path, value):
    assert render(given=merge(NONE, escape(path, value)))


def test_a_gpu_may_not_be_asked_for_more_often_than_it_is_given():
    values = merge(NONE, {"gpu": {"enabled": True}})
    render(given=merge(values, escape("predictor.resources.requests.nvidia\\.com/gpu", 1)))
    with pytest.raises(Refused, match="leave the request out"):
        render(given=merge(values, escape("predictor.resources.requests.nvidia\\.com/gpu", 2)))


def test_the_test_pod_keeps_the_labels_that_the_network_policy_lets_in():
    labels = {"app.kubernetes.io/instance": "mine", "app.kubernetes.io/component": "mine"}
    policy = {"networkPolicy": {"enabled": True, "fromOwnNamespace": False}}
    documents = render(given=merge(policy, {"commonLabels": labels, "test": {"labels": labels}}))
    found = next(d for d in documents if d["kind"] == "Pod")["metadata"]["labels"]
    policies = [d for d in documents if d["kind"] == "NetworkPolicy"]
    allowed = [
        peer["podSelector"]["matchLabels"]
        for p in policies
        for peer in p["spec"]["ingress"][0]["from"]
        if "podSelector" in peer
    ]
    assert any(wanted.items() <= found.items() for wanted in allowed)


def name_pod(name: str, component: str, mode: str) -> str:
    """Name a pod as Knative's and Kubernetes' controllers do."""
    owner, limit = f"{name}-{component}", 63
    if mode == "knative":
        owner += "-00001"
        if len(owner) + len("-deployment") > limit:
            head = owner[: limit - 32 - len("-deployment")]
            owner = head + hashlib.md5(owner.encode()).hexdigest()
        owner += "-deployment"
    return f"{owner}-66754ff88-"[:58] + "xq7bz"


@pytest.mark.parametrize("mode", ["knative", "keda"])
@pytest.mark.parametrize("letters", [1, 9, 30, 36, 37, 38, 45, 46, 47, 48])
def test_a_query_finds_its_own_pods_and_no_others(mode, letters):
    name = "a" * letters
    for component in ("predictor", "transformer"):
        values = (f"autoscaling.mode={mode}", "monitoring.prometheusRule=true")
        documents = render(f"fullnameOverride={name}", *values, namespace="v")
        text = str(next(d for d in documents if d["kind"] == "PrometheusRule"))
        patterns = set(re.findall(r'pod=~\\?"([^"\\]+)', text))
        pod = name_pod(name, component, mode)
        assert any(re.fullmatch(pattern, pod) for pattern in patterns), (patterns, pod)
        if letters <= 9:  # longer ones are cut by Kubernetes, and may look alike
            other = name_pod(f"{name}-{component}", component, mode)
            assert not any(re.fullmatch(pattern, other) for pattern in patterns), other


def test_keda_asks_for_the_same_pods():
    spec = render_service("autoscaling.mode=keda", f"fullnameOverride={'a' * 48}", namespace="v")
    text = str(spec)
    assert f'pod=~"{"a" * 48}-predictor.*"' in text


@pytest.mark.parametrize(
    ("kind", "second", "sentence"),
    [
        ("extraContainers", SIDE, "has the name side twice"),
        ("volumes", VOLUME | {"emptyDir": {"sizeLimit": "1Gi"}}, "two that are called a"),
    ],
)
def test_two_components_in_one_pod_have_two_names(kind, second, sentence):
    first = VOLUME if kind == "volumes" else SIDE
    given = {"predictor": {kind: [first]}, "transformer": {kind: [second]}}
    with pytest.raises(Refused, match=sentence):
        render(given=merge(NONE, {"topology": "collocated"}, given))


def test_a_number_in_a_second_containers_environment_becomes_text():
    side = SIDE | {"env": [{"name": "A", "value": True}, {"name": "B", "value": 1000000}]}
    pod = render_service(given={"predictor": {"extraContainers": [side]}})["spec"]["predictor"]
    assert [entry["value"] for entry in pod["containers"][1]["env"]] == ["true", "1000000"]
