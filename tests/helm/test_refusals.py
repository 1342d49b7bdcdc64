"""Values that make no sense are refused with a sentence."""

import json

import pytest
import yaml

from tests.helm.conftest import CAPABILITIES, CHART, Refused, needs_helm, render

REFUSED = [
    ("autoscaling.mode=foo", "'knative', 'keda', 'hpa', 'none'"),
    ("protocol=soap", "'rest', 'grpc'"),
    ("topology=apart", "'split', 'collocated', 'single'"),
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
    ("commonLabels.bad key=x", "'/commonLabels': additional properties 'bad key' not allowed"),
    ("predictor.annotations.a/b/c=x", "'/predictor/annotations': additional properties 'a/b/c'"),
    ("predictor.resources.limits.c p u=1", "'/predictor/resources/limits': additional properties"),
    ("transformer.engine=auto", "'/transformer': additional properties 'engine' not allowed"),
    ("image.tag=1.2.3@sha256:aa", "'/image/tag'"),
    ("image.registry=https://reg.example.com", "'/image/registry'"),
    ("predictor.digest=sha256:aa", "'/predictor/digest'"),
    ("predictor.repository=Registry/UPPER", "'/predictor/repository'"),
    ("transformer.tolerations[0].kye=x", "additional properties 'kye' not allowed"),
    ("transformer.tolerations[0].effect=Never", "'NoSchedule', 'PreferNoSchedule', 'NoExecute'"),
    ("transformer.resources.limits.cpu=two", "'/transformer/resources/limits/cpu'"),
    ("transformer.resources.limit.cpu=2", "additional properties 'limit' not allowed"),
    ("predictor.env[0].value=1", "missing property 'name'"),
    ("predictor.volumeMounts[0].name=x", "missing property 'mountPath'"),
    ("predictor.strategy.type=Blue", "'RollingUpdate', 'Recreate'"),
    (
        "predictor.probes.liveness.periodSecond=1",
        "additional properties 'periodSecond' not allowed",
    ),
    ("predictor.probes.liveness.periodSeconds=0", "minimum"),
    ("predictor.podSpec.containers[0].name=x", "additional properties 'containers' not allowed"),
    ("predictor.extraContainers[0].name=x", "missing property 'image'"),
    ("predictor.labels.x=a b", "'/predictor/labels/x'"),
    ("podSecurityContext.fsGroup=nobody", "got string, want null or integer"),
    ("securityContext.runAsUser=root", "got string, want integer"),
    ("serviceAccount.secrets[0]=A_B", "'/serviceAccount/secrets/0'"),
    ("monitoring.interval=often", "'/monitoring/interval'"),
    ("monitoring.alerts.errorPercent=101", "maximum"),
    ("autoscaling.keda.authenticationRef.authModes=magic", "authModes"),
    ("checkKServe=perhaps", "got string, want boolean"),
    ("podDisruptionBudget.maxUnavailable=1.5", "'/podDisruptionBudget/maxUnavailable'"),
    ("networkPolicy.extraFrom[0].cidr=10.0.0.0/8", "additional properties 'cidr' not allowed"),
    ("extraObjects[0]=", "'/extraObjects/0'"),
    ("model.storageUri=s3://", "does not match pattern"),
    ("model.storageUri=s3://b/m", "name the checkpoint in model.path"),
    ("model.storageUri=s3://b,model.path=/mnt/models", "must lie below /mnt/models"),
    ("model.storageUri=s3://b,model.path=/mnt/models-evil/x.pth", "must lie below /mnt/models"),
    ("model.storageUri=s3://b,model.path=/mnt/models/../x.pth", "without . and .. on the way"),
    ("model.storageUri=s3://b,model.path=/mnt/models/", "must lie below /mnt/models"),
    ("autoscaling.mode=hpa,transformer.resources.requests.cpu=null", "set transformer.resources"),
    (
        "networkPolicy.enabled=true,networkPolicy.fromOwnNamespace=false,networkPolicy.fromNamespaces=null",
        "no source is left that may reach the service",
    ),
    ("predictor.strategy.type=Recreate", "predictor.strategy is for plain Deployments"),
    ("transformer.terminationGracePeriodSeconds=9", "Knative takes it from timeoutSeconds"),
    (
        "autoscaling.mode=none,predictor.strategy.type=Recreate,predictor.strategy.rollingUpdate.maxSurge=1",
        "takes no rollingUpdate",
    ),
    ("topology=collocated,transformer.nodeSelector.a=b", "set predictor.nodeSelector"),
    ("topology=single,gpu.enabled=true", "one process with the transformer"),
    ("topology=single,transformer.env[0].name=A", "set predictor.env"),
    ("topology=single,transformer.args={--x}", "set predictor.args"),
    ("topology=single,transformer.tag=x", "set single.tag"),
    ("topology=single,predictor.tag=x", "set single.tag"),
    (
        "topology=single,transformer.probes.startup.periodSeconds=5",
        "set predictor.probes.startup",
    ),
    ("topology=single,autoscaling.single.min=9", "than autoscaling.single.max (8)"),
    ("topology=single,autoscaling.single.limit=1", "autoscaling.single.target"),
    ("topology=single,single.repository=null", "'/single'"),
    ("predictor.env[0].name=A,predictor.env[1].name=A", "predictor.env has the name A twice"),
    (
        "predictor.extraContainers[0].name=kserve-container,predictor.extraContainers[0].image=x",
        "has the name kserve-container twice",
    ),
    (
        "serviceAccount.create=false,serviceAccount.name=a,serviceAccount.secrets[0]=b",
        "give them to a",
    ),
    (
        "inferenceService.annotations.serving\\.kserve\\.io/deploymentMode=Knative",
        "which autoscaling.mode decides",
    ),
    ("autoscaling.mode=keda,autoscaling.keda.authenticationRef.authModes=bearer", "says who"),
    ("gpu.enabled=true,gpu.resource=null", "give gpu.resource"),
]


@needs_helm
@pytest.mark.parametrize(("values", "sentence"), REFUSED)
def test_helm_says_what_is_wrong(values, sentence):
    with pytest.raises(Refused) as refused:
        render(*values.split(","))
    assert sentence in str(refused.value)
    assert "nil pointer" not in str(refused.value)


@needs_helm
@pytest.mark.parametrize(
    ("missing", "values", "sentence"),
    [
        ("serving.kserve.io/v1beta1", (), "KServe is not installed"),
        ("serving.knative.dev/v1", (), "Knative Serving is not installed"),
        ("keda.sh/v1alpha1", ("autoscaling.mode=keda",), "KEDA is not installed"),
        ("monitoring.coreos.com/v1", ("monitoring.prometheusRule=true",), "operator is not inst"),
        ("monitoring.coreos.com/v1", ("monitoring.podMonitor=true",), "operator is not installed"),
    ],
)
def test_a_cluster_without_what_is_needed_is_refused(missing, values, sentence):
    there = tuple(capability for capability in CAPABILITIES if capability != missing)
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
    known = set(part["properties"])
    if path == "":
        known -= {"enabled"}  # a larger chart's condition
    if path != ".global":  # which has the values of other charts too
        assert part["additionalProperties"] is False, path
    # The user's keys, as Kubernetes knows them: more than there are defaults for.
    if not values or path.startswith(".securityContext") or path.endswith(".resources"):
        assert set(values) <= known, path
    else:
        assert set(values) == known, path
    for key, value in values.items():
        if isinstance(value, dict):
            compare(value, part["properties"][key], schema, f"{path}.{key}")
