"""Values that make no sense are refused by helm install, with a sentence."""

import pytest

from tests.cluster.commands import CommandError, helm, wait_until
from tests.cluster.journal import ScenarioResult
from tests.cluster.release import Release
from tests.cluster.variants import see_variants

REFUSED = {  # values -> what the refusal has to say
    ("autoscaling.mode=foo",): "value must be one of 'knative', 'keda', 'hpa', 'none'",
    (
        "autoscaling.predictor.min=5",
        "autoscaling.predictor.max=2",
    ): "autoscaling.predictor.min (5) is greater than autoscaling.predictor.max (2)",
    ("autoscaling.predictor.target=many",): "got string, want integer",
    (
        "autoscaling.mode=hpa",
        "autoscaling.predictor.min=0",
    ): "only autoscaling.mode knative scales to zero",
    (
        "autoscaling.mode=none",
        "canaryTrafficPercent=10",
    ): "canaryTrafficPercent needs autoscaling.mode knative",
    ("predictor.replicas=3",): "additional properties 'replicas' not allowed",
    ("fullnameOverride=my.name",): "KServe takes a small letter first",
    ("model.storageUri=s3://b/m",): "name the checkpoint in model.path",
    ("transformer.image=x",): "additional properties 'image' not allowed",
}


@pytest.mark.scenario(16, "bad values are refused with a sentence, good ones accepted")
def test_values(record: ScenarioResult) -> None:
    for values, sentence in REFUSED.items():
        flags = [part for value in values for part in ("--set", value)]
        try:
            helm("install", "bad", "helm", "--namespace", "bad", "--create-namespace", *flags)
            record.check(f"{' '.join(values)} is refused", False, "installed")
        except CommandError as error:
            record.check(f"{' '.join(values)} is refused", sentence in str(error), last_line(error))
    try:
        helm("template", "landmarks", "helm")  # knows of no cluster, so of no KServe
        record.check("a cluster without KServe's CRD is refused", False)
    except CommandError as error:
        record.check(
            "a cluster without KServe's CRD is refused",
            "KServe is not installed" in str(error),
            last_line(error),
        )
    see_variants(record)


@pytest.mark.scenario(17, "a mode that KServe refuses to change")
def test_mode_change(record: ScenarioResult) -> None:
    release = Release("mode-change")
    release.install("autoscaling.mode=none", wait=0)
    try:
        release.upgrade("autoscaling.mode=knative")
        record.check("none to knative is refused before KServe does", False, "upgraded")
    except CommandError as error:
        said = "KServe refuses to change that" in str(error)
        record.check("none to knative is refused before KServe does", said, last_line(error))
    release.upgrade("autoscaling.mode=hpa")
    wait_until("autoscalers", lambda: release.get("horizontalpodautoscalers")["items"], 60)
    record.check("none to hpa is taken, and makes autoscalers", True)
    see_refused(
        record, release, "hpa to keda", "mode=keda", "upgrade to autoscaling.mode none first"
    )
    release.upgrade("autoscaling.mode=none")
    wait_until("no autoscaler", lambda: not release.get("horizontalpodautoscalers")["items"], 30)
    record.check("hpa to none takes the autoscalers away", True)
    release.upgrade("autoscaling.mode=keda")
    record.check("none to keda is taken", True)
    see_refused(record, release, "keda to none", "mode=none", "set min and max to the same number")


def see_refused(
    record: ScenarioResult, release: Release, what: str, value: str, sentence: str
) -> None:
    """See that this change, which KServe does by halves, is refused."""
    try:
        release.upgrade(f"autoscaling.{value}")
        record.check(f"{what} is refused", False, "upgraded")
    except CommandError as error:
        record.check(f"{what} is refused", sentence in str(error), last_line(error))


def last_line(error: CommandError) -> str:
    """The sentence in what helm wrote."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if "--debug" not in line]
    return lines[-1].rsplit("): ", 1)[-1].removeprefix("Error: ")[:200]
