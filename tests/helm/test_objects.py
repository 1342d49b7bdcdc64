"""What comes along with the InferenceService."""

import json

import pytest

from tests.helm.conftest import CHART, find, needs_helm, render

pytestmark = needs_helm
TEST_POD = {"app.kubernetes.io/instance": "landmarks", "app.kubernetes.io/component": "test"}


def kinds(*values: str) -> list[str]:
    return [document["kind"] for document in render(*values)]


def test_the_defaults_are_one_service_its_account_its_budgets_and_its_test():
    assert sorted(kinds()) == [
        "ConfigMap",
        "InferenceService",
        "Pod",
        "PodDisruptionBudget",
        "PodDisruptionBudget",
        "ServiceAccount",
    ]


def test_the_account_has_no_token():
    assert find(render(), "ServiceAccount")["automountServiceAccountToken"] is False
    assert "ServiceAccount" not in kinds("serviceAccount.create=false", "serviceAccount.name=a")


def test_budgets_are_for_components_of_several_pods():
    assert "PodDisruptionBudget" not in kinds(
        "autoscaling.predictor.max=1", "autoscaling.transformer.max=1"
    )
    assert kinds("topology=collocated").count("PodDisruptionBudget") == 1
    budget = find(render(), "PodDisruptionBudget", "landmarks-predictor")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"]["component"] == "predictor"


def test_the_predictor_takes_traffic_from_transformers_gateways_and_prometheus_alone():
    documents = render("networkPolicy.enabled=true")
    (rule,) = find(documents, "NetworkPolicy", "landmarks-predictor")["spec"]["ingress"]
    spaces = [
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for peer in rule["from"]
        if "namespaceSelector" in peer
    ]
    assert spaces == ["knative-serving", "kourier-system", "istio-system", "monitoring"]
    (pods,) = [peer["podSelector"] for peer in rule["from"] if "podSelector" in peer]
    assert pods["matchLabels"]["component"] == "transformer"


@pytest.mark.parametrize(("own", "selector"), [("true", {}), ("false", {"matchLabels": TEST_POD})])
def test_the_transformer_takes_traffic_from_its_namespace_if_told_so(own, selector):
    documents = render("networkPolicy.enabled=true", f"networkPolicy.fromOwnNamespace={own}")
    (rule,) = find(documents, "NetworkPolicy", "landmarks-transformer")["spec"]["ingress"]
    assert [peer["podSelector"] for peer in rule["from"] if "podSelector" in peer] == [selector]
    pod = find(documents, "Pod")["metadata"]["labels"]
    assert pod.items() >= TEST_POD.items()


def test_a_policy_has_the_users_sources_too():
    peers = [
        {"ipBlock": {"cidr": "10.0.0.0/8"}},
        {"podSelector": {"matchLabels": {"a": "{{ .Release.Name }}"}}},
    ]
    policy = {"enabled": True, "fromNamespaces": [], "fromOwnNamespace": False, "extraFrom": peers}
    documents = render(given={"networkPolicy": policy})
    (rule,) = find(documents, "NetworkPolicy", "landmarks-transformer")["spec"]["ingress"]
    assert rule["from"][0] == peers[0]
    assert rule["from"][1] == {"podSelector": {"matchLabels": {"a": "landmarks"}}}


def test_the_dashboard_is_labelled_for_grafana_and_asks_for_our_metrics():
    dashboard = find(render("monitoring.dashboard=true"), "ConfigMap", "landmarks-dashboard")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    content = json.loads(dashboard["data"]["landmarks.json"])
    assert content == json.loads((CHART / "dashboards/landmarks.json").read_text())
    queries = [t["expr"] for panel in content["panels"] for t in panel.get("targets", [])]
    assert queries and all("landmarks_" in query for query in queries)


def test_helm_test_asks_this_release_over_its_protocol():
    pod = find(render("protocol=grpc"), "Pod", "landmarks-test")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    (entry,) = pod["spec"]["containers"]
    assert entry["args"][:3] == [
        "landmarks-transformer.vision.svc:80",
        "unet",
        "grpc",
    ]
    (entry,) = find(render("topology=collocated"), "Pod", "landmarks-test")["spec"]["containers"]
    assert entry["args"][0] == "landmarks-predictor.vision.svc:80"
