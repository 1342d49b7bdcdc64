"""Values that make no sense are refused by helm install, with a sentence."""

import pytest

from tests.cluster.commands import CommandError, helm, kubectl, wait_until
from tests.cluster.journal import ScenarioResult
from tests.cluster.release import Release
from tests.cluster.variants import see_variants

REFUSED = {  # values -> what the refusal has to say: the chart's own, then the API server's
    "autoscaling.mode=hpa": "autoscaling.mode hpa is gone",
    "predictor.replicas=3": "additional properties 'replicas' not allowed",
    "fullnameOverride=my.name": "KServe takes a small letter first",
    "model.storageUri=s3://b/m,model.path=/tmp/x": "must lie below /mnt/models",
    "transformer.resources.requests.cpu=3": "must be less than or equal to cpu limit of 2",
    "predictor.tolerations[0].operator=Exists,predictor.tolerations[0].value=x": "tolerations[0]",
    "predictor.volumeMounts[0].name=no,predictor.volumeMounts[0].mountPath=/x": "volumeMounts[0]",
    "securityContext.seccompProfile.type=Foo": "seccompProfile.type",
    "transformer.podSpec.dnsPolicy=None": "dnsConfig",
    "transformer.resources.limits.cpu=many": "quantities must match",
}


@pytest.mark.scenario(16, "bad values are refused with a sentence, good ones accepted")
def test_values(record: ScenarioResult) -> None:
    place = ("--namespace", "bad", "--create-namespace", "--values", "k8s/values-kind.yaml")
    for values, sentence in REFUSED.items():
        try:
            helm("upgrade", "--install", "bad", "helm", *place, "--set", values)
            record.check(f"{values} is refused", False, "installed")
        except CommandError as error:
            record.check(f"{values} is refused", sentence in str(error), last_line(error))
    made = kubectl("-n", "bad", "get", "inferenceservices,pods", "-o", "name")
    record.check("nothing was made on the way", not made, made)
    helm("uninstall", "bad", "-n", "bad", "--ignore-not-found")
    see_variants(record)


@pytest.mark.scenario(17, "modes and topologies that an installed release can't change to")
def test_mode_change(record: ScenarioResult) -> None:
    release, single = Release("mode-change"), Release("topology-change")
    release.install("autoscaling.mode=none", wait=0)
    single.install("topology=single", wait=0)
    see_refused(record, release, "mode=knative", "KServe refuses to change that")
    release.upgrade("autoscaling.mode=keda")
    wait_until("autoscalers", lambda: release.get("scaledobjects")["items"], 60)
    record.check("none to keda is taken, and makes autoscalers", True)
    see_refused(record, release, "mode=none", "set min and max to the same number")
    try:
        single.upgrade("topology=split")
        record.check("single to split is refused", False, "upgraded")
    except CommandError as error:
        said = "would be the bare predictor" in str(error)
        record.check("single to split is refused", said, last_line(error))


def see_refused(record: ScenarioResult, release: Release, value: str, sentence: str) -> None:
    """See that this change, which KServe does by halves, is refused."""
    try:
        release.upgrade(f"autoscaling.{value}")
        record.check(f"{value} is refused", False, "upgraded")
    except CommandError as error:
        record.check(f"{value} is refused", sentence in str(error), last_line(error))


def last_line(error: CommandError) -> str:
    """The sentence in what helm wrote."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if "--debug" not in line]
    return lines[-1].rsplit("): ", 1)[-1].removeprefix("Error: ")[:200]
