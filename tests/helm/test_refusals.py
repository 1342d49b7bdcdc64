"""Values that nobody else refuses are refused with a sentence; what is missing on a cluster too."""

import json

import pytest
import yaml

from tests.helm.conftest import CHART, Refused, needs_helm, render

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
    ("autoscaling.mode=none,autoscaling.predictor.min=0", "only autoscaling.mode knative scales"),
    ("autoscaling.mode=none,predictor.canaryTrafficPercent=10", "needs autoscaling.mode knative"),
    ("timeoutSeconds=600", "leaves 595"),
    ("predictor.resources.limits.memory=512m", "mebibytes are written 512Mi"),
    ("transformer.args={--http_port=9}", "leave the ports"),
    ("commonLabels.component=x", "KServe sets"),
    ("model.storageUri=s3://b,model.path=/mnt/models-evil/x.pth", "must lie below /mnt/models"),
    ("model.storageUri=s3://b,model.path=/mnt/models/../x.pth", "without . and .. on the way"),
    ("model.storageUri=pvc://A_B,model.folder=/mnt/models", "can't be called A_B"),
    (
        "networkPolicy.enabled=true,networkPolicy.fromOwnNamespace=false,networkPolicy.fromNamespaces=null",
        "no source is left that may reach the service",
    ),
    ("predictor.strategy.type=Recreate", "predictor.strategy is for plain Deployments"),
    ("tls.secretName=a", "under Knative set its system-internal-tls"),
    ("topology=single,gpu.enabled=true", "one process with the transformer"),
    ("topology=single,transformer.env[0].name=A", "set predictor.env"),
    ("topology=single,predictor.tag=x", "set single.tag"),
    ("serviceAccount.create=false", "name one that exists"),
    (
        "serviceAccount.create=false,serviceAccount.name=a,serviceAccount.secrets[0]=b",
        "give them to a",
    ),
    (
        "inferenceService.annotations.serving\\.kserve\\.io/deploymentMode=Knative",
        "which autoscaling.mode decides",
    ),
    (
        "transformer.annotations.autoscaling\\.knative\\.dev/min-scale=3",
        "which autoscaling.*.min decides",
    ),
    ("autoscaling.mode=keda,autoscaling.keda.authenticationRef.authModes=bearer", "says who"),
    ("monitoring.interval=10s,monitoring.scrapeTimeout=1m", "longer than monitoring.interval"),
    ("gpu.enabled=true,gpu.resource=null", "give gpu.resource"),
]


@needs_helm
@pytest.mark.parametrize(("values", "sentence"), REFUSED)
def test_helm_says_what_is_wrong(values, sentence):
    with pytest.raises(Refused) as caught:
        render(*(values.split(",") if "=" in values.split(",")[-1] else [values]))
    assert sentence in str(caught.value), caught.value


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
    compare(yaml.safe_load((CHART / "values.yaml").read_text()), schema, schema, "")


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
