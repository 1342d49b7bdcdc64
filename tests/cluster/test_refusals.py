"""Values that make no sense are refused by helm install, with a sentence."""

from functools import partial

import pytest

from tests.cluster.commands import helm, kubectl, wait_until
from tests.cluster.journal import ScenarioResult
from tests.cluster.release import Release
from tests.cluster.variants import see_variants

REFUSED = {  # values -> what the refusal has to say: the chart's own, then the API server's
    "autoscaling.mode=hpa": "autoscaling.mode hpa is gone",
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
        command = ("upgrade", "--install", "bad", "helm", *place, "--set", values)
        record.refuse(values, partial(helm, *command), sentence)
    made = kubectl("-n", "bad", "get", "inferenceservices,pods", "-o", "name")
    record.check("nothing was made on the way", not made, made)
    helm("uninstall", "bad", "-n", "bad", "--ignore-not-found")
    see_variants(record)


@pytest.mark.scenario(17, "modes and topologies that an installed release can't change to")
def test_mode_change(record: ScenarioResult) -> None:
    release, single = Release("mode-change"), Release("topology-change")
    release.install("autoscaling.mode=none", wait=0)
    single.install("topology=single", wait=0)
    knative, none = (partial(release.upgrade, f"autoscaling.mode={m}") for m in ("knative", "none"))
    record.refuse("none to knative", knative, "KServe refuses to change that")
    release.upgrade("autoscaling.mode=keda")
    wait_until("autoscalers", lambda: release.get("scaledobjects")["items"], 60)
    record.check("none to keda is taken, and makes autoscalers", True)
    record.refuse("keda to none", none, "set min and max to the same number")
    split = partial(single.upgrade, "topology=split")
    record.refuse("single to split", split, "would be the bare predictor")
