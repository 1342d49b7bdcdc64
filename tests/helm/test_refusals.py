"""Values that nobody else refuses are refused with a sentence."""

import json
import re

import pytest

from tests.helm.conftest import CHART, ONE, PLAIN, Refused, needs_helm, read_values, render

KEDA, POLICY, STORE = (
    "autoscaling.mode=keda",
    "networkPolicy.enabled=true",
    "model.storageUri=s3://b",
)
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
    (
        "inferenceService.annotations.serving\\.kserve\\.io/deploymentMode=K",
        "autoscaling.mode decides",
    ),
    (
        "transformer.annotations.autoscaling\\.knative\\.dev/min-scale=3",
        "autoscaling.*.min decides",
    ),
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
    with pytest.raises(Refused, match=re.escape(sentence)):
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


@needs_helm
def test_it_renders_without_a_cluster_to_ask():
    for mode in ("knative", "keda"):
        assert render(f"autoscaling.mode={mode}", "monitoring.podMonitor=true", capabilities=())


def test_the_schema_knows_every_value_and_no_other():
    schema = json.loads((CHART / "values.schema.json").read_text())
    compare(read_values(), schema, schema, "")


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
