"""Values that nobody else refuses are refused with a sentence; null takes a default away."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.helm import conftest as chart
from tests.helm.conftest import ONE, PLAIN, needs_helm, render

KEDA, POLICY = "autoscaling.mode=keda", "networkPolicy.enabled=true"
STORE, ANNOTATIONS = "model.storageUri=s3://b", "annotations.serving\\.kserve\\.io"
KNATIVE = "annotations.autoscaling\\.knative\\.dev"
NOBODY = "networkPolicy.fromOwnNamespace=false,networkPolicy.fromNamespaces=null"
REFUSED = [
    ("autoscaling.mode=foo", "'knative', 'keda', 'external', 'none'"),
    ("autoscaling.mode=hpa", "autoscaling.mode hpa is gone"),
    ("topology=collocated", "topology collocated is gone: topology single"),
    ("canaryTrafficPercent=10", "set transformer.canaryTrafficPercent or predictor"),
    ("protocol=soap", "'rest', 'grpc'"),
    ("autoscaling.predictor.target=many", "got string, want integer"),
    ("autoscaling.utilization=120", "maximum"),
    ("predictor.canaryTrafficPercent=101", "maximum"),
    ("model.storageUri=models/unet", "does not match pattern"),
    ("predictor.replicas=3", "additional properties 'replicas' not allowed"),
    ("transformer.engine=auto", "'/transformer': additional properties 'engine' not allowed"),
    ("image.tag=1.2.3@sha256:aa", "'/image/tag'"),
    ("predictor.digest=sha256:aa", "'/predictor/digest'"),
    ("predictor.repository=Registry/UPPER", "'/predictor/repository'"),
    ("monitoring.interval=often", "'/monitoring/interval'"),
    ("autoscaling.keda.authenticationRef.authModes=magic", "authModes"),
    ("autoscaling.transformer.limit=1", "a pod could never reach its target"),
    (f"{PLAIN},autoscaling.predictor.min=0", "only autoscaling.mode knative scales"),
    (f"{PLAIN},predictor.canaryTrafficPercent=10", "needs autoscaling.mode knative"),
    (f"{KEDA},autoscaling.predictor.target=null", "give autoscaling.predictor.target"),
    (f"{KEDA},autoscaling.keda.prometheus=null", "give its address in autoscaling.keda.prom"),
    ("timeoutSeconds=600", "leaves 595"),
    ("predictor.resources.limits.memory=512m", "mebibytes are written 512Mi"),
    ("transformer.args={--http_port=9}", "leave the ports"),
    ("commonLabels.component=x", "KServe sets"),
    (f"{STORE},model.path=/mnt/models-evil/x.pth", "must lie below /mnt/models"),
    (f"{STORE},model.path=/mnt/models/../x.pth", "without . and .. on the way"),
    ("model.storageUri=pvc://A_B,model.folder=/mnt/models", "can't be called A_B"),
    (f"{POLICY},{NOBODY}", "no source is left that may reach the service"),
    ("predictor.strategy.type=Recreate", "predictor.strategy is for plain Deployments"),
    ("tls.secretName=a", "under Knative set its system-internal-tls"),
    (f"{ONE},gpu.enabled=true", "one process with the transformer"),
    (f"{ONE},transformer.env[0].name=A", "set predictor.env"),
    (f"{ONE},predictor.tag=x", "set single.tag"),
    ("serviceAccount.create=false", "name one that exists"),
    ("serviceAccount.create=false,serviceAccount.name=a,serviceAccount.secrets[0]=b", "them to a"),
    (f"inferenceService.{ANNOTATIONS}/deploymentMode=K", "autoscaling.mode decides"),
    (f"transformer.{KNATIVE}/min-scale=3", "autoscaling.*.min decides"),
    (f"{KEDA},autoscaling.keda.authenticationRef.authModes=bearer", "says who"),
    ("monitoring.interval=10s,monitoring.scrapeTimeout=1m", "longer than monitoring.interval"),
    ("gpu.enabled=true,gpu.resource=null", "give gpu.resource"),
    ("fullnameOverride=9lives", "KServe takes a small letter first"),
    ("fullnameOverride=my.release", "KServe takes a small letter first"),
    ("job.enabled=true,protocol=grpc", "its client speaks REST"),
    ("job.enabled=true", "job.image: an image with landmarks-client"),
    ("job.enabled=true,job.image=a", "job.pictures: URLs"),
    ("job.enabled=true,job.image=a,job.pictures={b}", "job.out: a URL"),
    ("job.out=s3://b/x.csv", "'/job/out'"),
]


@needs_helm
@pytest.mark.parametrize(("values", "sentence"), REFUSED)
def test_helm_says_what_is_wrong(values, sentence):
    with pytest.raises(chart.Refused, match=re.escape(sentence)):
        render(*values.split(","))


@needs_helm
def test_a_renderers_placeholders_are_taken():
    text = "<path:secret/data/x#y>"
    given: dict = {"image": {"registry": text, "tag": text}, "model": {"storageUri": text}}
    given["predictor"] = {"digest": text, "resources": {"requests": {"cpu": text}}}
    given["serviceAccount"] = {"annotations": {"a": text}, "secrets": [text]}
    documents = render(given=given | {"checks": False})
    assert f"@{text}" in str(documents)
    assert "ReplicaSet" not in [document["kind"] for document in documents]


def test_the_schema_knows_every_value_and_no_other():
    schema = json.loads((chart.CHART / "values.schema.json").read_text())
    compare(chart.read_values(), schema, schema, "")


def compare(values: dict, part: dict, schema: dict, path: str) -> None:
    """Walk both; what the schema leaves open is the user's or Kubernetes'."""
    if "$ref" in part:
        part = schema["definitions"][part["$ref"].rsplit("/", 1)[1]]
    if "properties" not in part:
        return
    gone = {"": {"enabled", "canaryTrafficPercent"}, ".autoscaling": {"hpa"}}.get(path, set())
    assert set(values) == set(part["properties"]) - gone, path
    for key, value in values.items():
        if isinstance(value, dict):
            compare(value, part["properties"][key], schema, f"{path}.{key}")


# Everything on, so that a value is used wherever it could be.
BUSY: dict = {
    "networkPolicy": {"enabled": True},
    "monitoring": {"podMonitor": True, "prometheusRule": True, "dashboard": True},
    "gpu": {"enabled": True},
}
MODES: dict[str, dict] = {
    "knative": {"autoscaling": {"mode": "knative"}},
    "keda": {"autoscaling": {"mode": "keda"}},
    "single": {"autoscaling": {"mode": "keda"}, "topology": "single", "gpu": {"enabled": False}},
}
# What can't be left out, and in which mode: the refusal has to name it (or what it is in).
NEEDED = re.compile(
    r"modelName|protocol|topology|autoscaling(\.mode)?|(transformer|predictor|single)(\.repository)?"
    r"|gpu\.(resource|repository)|autoscaling\.(transformer|predictor|single)(\.target)?"
    r"|autoscaling\.keda(\.prometheus)?|serviceAccount(\.create)?"
)
# What is in these is the user's, or Kubernetes'.
WHOLE = ("resources", "nodeSelector", "securityContext", "limits", "requests")


def list_paths(values: dict, path: str = "") -> list[str]:
    """Name every value: sections and what is in them, down to what has a default of its own."""
    paths = []
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        paths.append(here)
        if isinstance(value, dict) and key not in WHOLE:
            paths += list_paths(value, here)
    return paths


def nest(path: str, value: object) -> dict:
    for key in reversed(path.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def assert_nothing_empty(value: object, path: str) -> None:
    """Find fields that were left without a value, which Kubernetes reads as something else."""
    assert value is not None and value != "null" and value != "<nil>", path
    assert not isinstance(value, str) or "%!" not in value, f"{path}: {value}"
    entries = dict(enumerate(value)) if isinstance(value, list) else value
    for key, inner in entries.items() if isinstance(entries, dict) else ():
        if key not in ("emptyDir", "podSelector", "data", "binaryData"):
            assert_nothing_empty(inner, f"{path}.{key}")


def group(paths: list[str]) -> list[list[str]]:
    """Put values together that stand far apart; a section, and what is needed, is alone."""
    alone = [
        path
        for path in paths
        if NEEDED.fullmatch(path) or any(other.startswith(f"{path}.") for other in paths)
    ]
    rest = [path for path in paths if path not in alone]
    return [[path] for path in alone] + [rest[start::40] for start in range(min(40, len(rest)))]


def see(paths: list[str], values: dict) -> None:
    try:
        documents = render(given=chart.merge(values, *(nest(path, None) for path in paths)))
    except chart.Refused as refused:
        assert NEEDED.fullmatch(paths[0]), f"{paths}=null: {refused}"
        assert paths[0].rsplit(".", 1)[-1] in str(refused) and "nil pointer" not in str(refused)
        return
    for document in documents:
        assert_nothing_empty(document, f"{paths}=null: {document['kind']}")


@needs_helm
@pytest.mark.parametrize("mode", MODES)
def test_null_renders_or_is_refused_by_name(mode):
    paths = list_paths(chart.read_values())
    if mode != "knative":  # what a mode reads
        paths = [path for path in paths if re.search(r"^autoscaling|resources", path)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda each: see(each, chart.merge(BUSY, MODES[mode])), group(paths)))
