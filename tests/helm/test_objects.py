"""What comes along with the InferenceService; and the chart as it is handed on.

An upgrade keeps the last chart's values: what they lack has to be lived without.
"""

import json
import shutil
import tarfile
from pathlib import Path

import pytest
import yaml

from serving.server import RELEASE
from tests.helm.conftest import (
    CHART,
    CI_FILES,
    ONE,
    PLAIN,
    find,
    needs_helm,
    render,
    render_service,
)
from tests.support.environment import run

pytestmark = needs_helm
TEST_POD = {"app.kubernetes.io/instance": "landmarks", "app.kubernetes.io/component": "test"}
POLICY = "networkPolicy.enabled=true"


def test_the_defaults_are_one_service_its_account_its_budgets_and_its_test():
    kinds = sorted(document["kind"] for document in render())
    both = ["PodDisruptionBudget"] * 2 + ["ReplicaSet"] * 2
    assert kinds == ["ConfigMap", "InferenceService", "Pod", *both, "ServiceAccount"]
    assert find(render(), "ServiceAccount")["automountServiceAccountToken"] is False


def test_budgets_are_for_several_pods_and_let_a_broken_one_go():
    few = render("autoscaling.predictor.max=1", "autoscaling.transformer.max=1")
    assert "PodDisruptionBudget" not in [document["kind"] for document in few]
    budget = find(render(), "PodDisruptionBudget", "landmarks-predictor")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["selector"]["matchLabels"]["component"] == "predictor"


def read_rules(component: str, *values: str, direction: str = "ingress", **options) -> list[dict]:
    policy = find(render(*values, **options), "NetworkPolicy", f"landmarks-{component}")["spec"]
    return policy[direction]


def name_component(rule: dict, end: str = "from") -> str:
    return rule[end][0]["podSelector"]["matchLabels"]["component"]


def test_the_predictor_is_off_the_ingress_unless_exposed():
    label, exposed = "networking.knative.dev/visibility", "predictor.exposed=true"
    assert render_service()["spec"]["predictor"]["labels"][label] == "cluster-local"
    assert label not in render_service()["spec"]["transformer"]["labels"]
    own, metrics = read_rules("predictor", PLAIN)
    assert name_component(own) == "transformer"
    assert metrics == {"ports": [{"port": 8080}]}
    assert label not in render_service(exposed)["spec"]["predictor"]["labels"]
    for values in ((PLAIN, exposed), (), (PLAIN, ONE)):
        assert "NetworkPolicy" not in [document["kind"] for document in render(*values)]


def test_policies_let_in_who_asks_and_out_what_is_asked():
    own, others = read_rules("predictor", POLICY)
    assert name_component(own) == "transformer"
    spaces = [peer["namespaceSelector"]["matchLabels"].values() for peer in others["from"]]
    assert [*map(list, spaces)][:2] == [["knative-serving"], ["kourier-system"]]
    assert "ports" not in others  # Knative's gateway asks it, for the transformer
    assert read_rules("predictor", POLICY, PLAIN)[1]["ports"] == [{"port": 8080}]
    dns, predictor = read_rules("transformer", POLICY, PLAIN, direction="egress")
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    assert name_component(predictor, "to") == "predictor"
    store = read_rules("predictor", POLICY, "model.storageUri=s3://a", direction="egress")
    assert {"ports": [{"port": 443}]} in store
    documents = render(POLICY, "networkPolicy.egress=false")
    policy = find(documents, "NetworkPolicy", "landmarks-predictor")["spec"]
    assert policy["policyTypes"] == ["Ingress"] and "egress" not in policy


@pytest.mark.parametrize(("own", "selector"), [("true", {}), ("false", {"matchLabels": TEST_POD})])
def test_the_transformer_takes_traffic_from_its_namespace_if_told_so(own, selector):
    labels = {"app.kubernetes.io/instance": "mine", "app.kubernetes.io/component": "mine"}
    given = {"commonLabels": labels, "test": {"labels": labels}}
    documents = render(POLICY, f"networkPolicy.fromOwnNamespace={own}", given=given)
    rule = find(documents, "NetworkPolicy", "landmarks-transformer")["spec"]["ingress"][0]
    assert rule["from"] == [{"podSelector": selector}]
    assert find(documents, "Pod")["metadata"]["labels"].items() >= TEST_POD.items()


def test_a_policy_has_the_users_peers_too():
    peer = {"podSelector": {"matchLabels": {"a": "{{ .Release.Name }}"}}}
    policy = {"enabled": True, "fromNamespaces": [], "extraFrom": [peer], "extraTo": [peer]}
    given = {"networkPolicy": policy}
    filled = [{"podSelector": {"matchLabels": {"a": "landmarks"}}}]
    assert read_rules("transformer", given=given)[1] == {"from": filled}
    assert read_rules("transformer", given=given, direction="egress")[-1] == {"to": filled}


def test_the_dashboards_of_two_releases_differ():
    found = []
    for namespace, release in (("vision", "a"), ("vision", "b"), ("other", "a")):
        values = ("monitoring.dashboard=true", "monitoring.dashboardLabels.team=faces")
        documents = render(*values, namespace=namespace, release=release)
        dashboard = find(documents, "ConfigMap", f"{release}-dashboard")
        labels = {"grafana_dashboard": "1", "team": "faces"}
        assert dashboard["metadata"]["labels"].items() >= labels.items()
        ((file, text),) = dashboard["data"].items()
        content = json.loads(text)
        queries = [t["expr"] for panel in content["panels"] for t in panel.get("targets", [])]
        selector = f'namespace="{namespace}",pod=~"{release}-predictor-[0-9]+-deplo.*|'
        assert queries and all("landmarks_" in query and selector in query for query in queries)
        assert len(content["uid"]) <= 40
        found.append((file, content["uid"], content["title"]))
    assert [len(set(identity)) for identity in zip(*found, strict=True)] == [3, 3, 3]


def test_helm_test_asks_this_release_over_its_protocol_and_leaves_nothing():
    pod = find(render("protocol=grpc", "test.resources.limits.cpu=2"), "Pod", "landmarks-test")
    annotations = pod["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "test"
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    assert pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
    (entry,) = pod["spec"]["containers"]
    assert entry["args"][:3] == ["landmarks-transformer.vision.svc:80", "unet", "grpc"]
    assert entry["resources"]["limits"]["cpu"] == 2
    (entry,) = find(render(ONE), "Pod", "landmarks-test")["spec"]["containers"]
    assert entry["args"][0] == "landmarks-predictor.vision.svc:80"
    assert entry["image"] == f"landmarks-standalone:{RELEASE}"


def test_the_connection_between_the_two_can_be_encrypted():
    issued = (PLAIN, "tls.issuerRef.name=internal")
    certificate = find(render(*issued), "Certificate", "landmarks-predictor-tls")["spec"]
    assert certificate["dnsNames"] == ["landmarks-predictor-pods.vision"]
    for values in (issued, (PLAIN, "tls.secretName=own")):
        spec = render_service(*values)["spec"]
        server, client = spec["predictor"], spec["transformer"]
        assert "/tls/tls.key" in str(server["containers"]) and "ca.crt" not in str(server)
        assert "/tls/ca.crt" in str(client["containers"]) and "tls.key" not in str(client)


def test_a_job_asks_this_release_about_a_bucket():
    place = ("job.pictures={s3://b/in}", "job.out=s3://b/out.parquet")
    values = ("job.enabled=true", "job.image=client:1", *place)
    jobs = [find(render(*values, f"job.arguments={{--threads={n}}}"), "Job") for n in (8, 9)]
    assert len({job["metadata"]["name"] for job in jobs}) == 2
    pod = jobs[0]["spec"]["template"]["spec"]
    asked = ["--url=http://landmarks-transformer.vision.svc:80", "--model=unet", "--threads=8"]
    assert pod["containers"][0]["args"] == ["s3://b/in", "--out=s3://b/out.parquet", *asked]


def test_extra_objects_are_maps_or_text_with_templates():
    text = 'kind: Secret\nmetadata: {name: {{ include "landmarks.fullname" . }}-a}\n'
    entry = {"kind": "ConfigMap", "metadata": {"name": "{{ .Values.modelName }}-b"}}
    documents = render(given={"extraObjects": [text, entry]})
    assert find(documents, "Secret", "landmarks-a") and find(documents, "ConfigMap", "unet-b")


META = yaml.safe_load((CHART / "Chart.yaml").read_text())
LAST = Path(__file__).parent / "assets/landmarks-0.1.0.tgz"
POD = ("minReplicas", "maxReplicas", "timeout", "serviceAccountName", "volumes")
CONTAINER = ("image", "args", "ports", "resources", "securityContext", "volumeMounts")
TOOLS = [name for name in ("helm", "helm4") if shutil.which(name)]


@needs_helm
def test_the_package_has_what_a_reader_needs_and_no_tests(tmp_path):
    run("helm", "package", CHART, "-d", tmp_path)
    with tarfile.open(tmp_path / f"landmarks-{META['version']}.tgz") as archive:
        names = {name.removeprefix("landmarks/") for name in archive.getnames()}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "values.schema.json"} <= names
    assert not [name for name in names if name.startswith("ci/")]
    assert META["version"] != LAST.stem.rsplit("-", 1)[1]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ["", *CI_FILES])
def test_lint_has_nothing_to_say(tool, name):
    flags = ["--values", f"{CHART}/ci/{name}-values.yaml"] if name else []
    said = run(tool, "lint", "--strict", CHART, *flags)
    assert "[INFO]" not in said and "[WARNING]" not in said, said


@needs_helm
@pytest.mark.parametrize("mode", ["knative", "keda", "none"])
def test_the_last_charts_values_render_and_new_ones_can_be_set_on_top(tmp_path, mode):
    shutil.copytree(CHART, tmp_path / "helm")  # with the last one's values, as --reuse-values does
    with tarfile.open(LAST) as archive:
        archive.extract("landmarks/values.yaml", tmp_path, filter="data")
    (tmp_path / "landmarks/values.yaml").rename(tmp_path / "helm/values.yaml")
    on = ("gpu.enabled=true", "networkPolicy.enabled=true")
    values = (f"autoscaling.mode={mode}", "image.tag=v1", *on)
    old = find(render(*values, chart=LAST), "InferenceService")
    more = ("monitoring.prometheusRule=true", "predictor.probes.startup.periodSeconds=5")
    documents = render(*values, *more, chart=tmp_path / "helm")
    service = find(documents, "InferenceService")
    assert service["metadata"]["annotations"] == old["metadata"]["annotations"]
    for component, was in old["spec"].items():
        now = service["spec"][component]
        for part in POD:
            assert now.get(part) == was.get(part), part
        for part in CONTAINER:
            assert now["containers"][0][part] == was["containers"][0][part], part
    rules = find(documents, "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert "LandmarksNotScaling" in {rule["alert"] for rule in rules}
