"""What is generated from the chart is as the chart is now."""

import subprocess

from k8s.values_table import DOCUMENT, ROOT, fill_in, read_values
from tests.helm.conftest import needs_helm


def test_the_values_table_is_made_from_the_values():
    document = DOCUMENT.read_text()
    assert fill_in(document) == document, "run: python -m k8s.values_table"


def test_every_value_has_a_comment():
    for key, _, comment in read_values((ROOT / "helm/values.yaml").read_text()):
        assert comment, key


@needs_helm
def test_the_plain_manifests_are_made_from_the_chart(tmp_path):
    subprocess.run([ROOT / "k8s/manifests.sh", tmp_path], check=True)
    committed = {path.name: path.read_text() for path in (ROOT / "k8s/manifests").iterdir()}
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == committed
