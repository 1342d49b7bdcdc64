"""Topology single: one pod with one process, which has the predictor's values."""

import pytest

from tests.helm.conftest import MODES, env, find, needs_helm, render, render_service

pytestmark = needs_helm
SINGLE = "topology=single"


def read_container(*values: str) -> dict:
    service = render_service(SINGLE, *values)
    assert set(service["spec"]) == {"predictor"}
    (container,) = service["spec"]["predictor"]["containers"]
    return container


@pytest.mark.parametrize("mode", MODES)
def test_it_is_one_container_of_an_image_that_has_both(mode):
    container = read_container(f"autoscaling.mode={mode}")
    assert container["image"] == "landmarks-standalone:0.1.0"
    assert not [argument for argument in container["args"] if "predictor" in argument]
    assert container["ports"][0] == {"name": "http1", "containerPort": 8080, "protocol": "TCP"}
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/models/unet/ready"


def test_over_grpc_its_first_port_is_that():
    container = read_container("protocol=grpc")
    assert container["ports"] == [{"name": "h2c", "containerPort": 8081, "protocol": "TCP"}]
    assert container["readinessProbe"]["grpc"] == {"port": 8081, "service": "unet"}


def test_it_has_the_predictors_values_and_model():
    container = read_container(
        "predictor.env[0].name=A",
        "predictor.env[0].value=b",
        "predictor.args={--more}",
        "predictor.resources.requests.cpu=2",
        "model.storageUri=pvc://models",
        "model.path=/mnt/models/unet.pth",
    )
    assert env(container)["A"] == "b"
    assert env(container)["LANDMARKS_MODEL"] == "/mnt/models/unet.pth"
    assert container["args"][-1] == "--more"
    assert container["resources"]["requests"]["cpu"] == 2


@pytest.mark.parametrize(("given", "seen"), [("null", "false"), ("true", "true")])
def test_the_page_is_shown_where_it_is_asked_for(given, seen):
    """The service's own default shows it."""
    assert env(read_container())["LANDMARKS_DEMO_PAGE"] == "false"
    assert env(read_container(f"transformer.demoPage={given}"))["LANDMARKS_DEMO_PAGE"] == seen


def test_it_may_sleep_without_a_setting_for_that():
    """Its readiness asks the model in its own process and wakes nobody."""
    container = read_container("autoscaling.single.min=0")
    assert "LANDMARKS_READY_NEEDS_PREDICTOR" not in env(container)


def test_only_the_pods_there_are_get_budgets_policies_and_services():
    documents = render(SINGLE, "autoscaling.mode=none", "networkPolicy.enabled=true")
    for kind, names in (
        ("PodDisruptionBudget", []),  # none keeps one pod
        ("NetworkPolicy", ["landmarks-predictor"]),
        ("Service", []),
    ):
        assert [d["metadata"]["name"] for d in documents if d["kind"] == kind] == names
    more = render(SINGLE, "autoscaling.mode=none", "autoscaling.single.min=2")
    assert find(more, "PodDisruptionBudget")["metadata"]["name"] == "landmarks-predictor"


def test_it_scales_on_what_its_callers_have_in_flight():
    spec = render_service(SINGLE, "autoscaling.mode=keda", "autoscaling.single.target=10")["spec"]
    (metric,) = spec["predictor"]["autoScaling"]["metrics"]
    assert 'service="transformer"' in metric["external"]["metric"]["query"]
    assert metric["external"]["target"]["value"] == "7"


def test_helm_test_asks_it_with_its_own_image():
    (container,) = find(render(SINGLE), "Pod", "landmarks-test")["spec"]["containers"]
    assert container["image"] == "landmarks-standalone:0.1.0"
    assert container["args"][0].startswith("landmarks-predictor.")
