"""Values that make no sense are refused with a sentence."""

import json

import pytest
import yaml

from tests.helm.conftest import CHART, Refused, needs_helm, render

REFUSED = [
    ("autoscaling.mode=foo", "'knative', 'keda', 'hpa', 'none'"),
    ("protocol=soap", "'rest', 'grpc'"),
    ("topology=apart", "'split', 'collocated'"),
    ("autoscaling.predictor.target=many", "got string, want integer"),
    ("autoscaling.predictor.target=0", "minimum"),
    ("autoscaling.utilization=120", "maximum"),
    ("autoscaling.windowSeconds=5", "minimum"),
    ("canaryTrafficPercent=101", "maximum"),
    ("gpu.enabled=perhaps", "got string, want boolean"),
    ("gpu.resource=gpu", "does not match pattern"),
    ("model.storageUri=models/unet", "does not match pattern"),
    ("image.pullPolicy=Sometimes", "'IfNotPresent', 'Always', 'Never'"),
    ("replicas=3", "additional properties 'replicas' not allowed"),
    ("predictor.replicas=3", "additional properties 'replicas' not allowed"),
    ("autoscaling.keda.server=x", "additional properties 'server' not allowed"),
    ("autoscaling.predictor.min=9", "min (9) is greater than autoscaling.predictor.max (8)"),
    ("autoscaling.transformer.limit=1", "a pod could never reach its target"),
    ("autoscaling.mode=hpa,autoscaling.predictor.min=0", "only autoscaling.mode knative scales"),
    ("autoscaling.mode=none,canaryTrafficPercent=10", "needs autoscaling.mode knative"),
    ("model.storageUri=s3://a,model.path=/tmp/a.pth", "must lie below /mnt/models"),
    ("serviceAccount.create=false", "name one that exists"),
    ("autoscaling.mode=hpa,predictor.resources.requests.cpu=null", "predictor.resources.requests"),
]


@needs_helm
@pytest.mark.parametrize(("values", "sentence"), REFUSED)
def test_helm_says_what_is_wrong(values, sentence):
    with pytest.raises(Refused) as refused:
        render(*values.split(","))
    assert sentence in str(refused.value)


@needs_helm
@pytest.mark.parametrize(
    ("missing", "values", "sentence"),
    [
        ("serving.kserve.io/v1beta1", (), "KServe is not installed"),
        ("keda.sh/v1alpha1", ("autoscaling.mode=keda",), "KEDA is not installed"),
        ("monitoring.coreos.com/v1", ("monitoring.podMonitor=true",), "operator is not installed"),
    ],
)
def test_a_cluster_without_what_is_needed_is_refused(missing, values, sentence):
    everything = ("serving.kserve.io/v1beta1", "keda.sh/v1alpha1", "monitoring.coreos.com/v1")
    there = tuple(capability for capability in everything if capability != missing)
    with pytest.raises(Refused) as refused:
        render(*values, capabilities=there)
    assert sentence in str(refused.value)


def test_the_schema_knows_every_value_and_no_other():
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    compare(values, schema, schema, "")


def compare(values: dict, part: dict, schema: dict, path: str) -> None:
    """Check that values.yaml and the schema list the same keys, all the way down."""
    if "$ref" in part:
        part = schema["definitions"][part["$ref"].rsplit("/", 1)[1]]
    if "properties" not in part:
        return
    assert part["additionalProperties"] is False, path
    assert set(values) == set(part["properties"]) - {"global"}, path
    for key, value in values.items():
        if isinstance(value, dict):
            compare(value, part["properties"][key], schema, f"{path}.{key}")


def test_the_values_fit_on_a_few_screens():
    assert len((CHART / "values.yaml").read_text().splitlines()) <= 200
