"""Write a release's number wherever it stands: python -m tools.release VERSION (`make release`).

The number's own place is `RELEASE` in serving/server.py; a test holds all others to it.
"""

import re
import sys
from datetime import UTC, datetime

from packaging.version import Version

from serving.server import RELEASE
from tools.processes import ROOT

NUMBER = r"\d+\.\d+\.\d+"
IMAGES = r"landmarks-(?:[a-z-]+:)?"  # landmarks-predictor:0.3.0 and landmarks-0.3.0.tgz
CHANGELOGS = {"CHANGELOG.md": "", "helm/CHANGELOG.md": "\nThe application's release alone.\n"}
PLACES = {
    "serving/server.py": '^RELEASE = "',
    "client/__init__.py": '^__version__ = "',
    "CITATION.cff": "^version: ",
    "helm/Chart.yaml": '^(?:version: |appVersion: ")',
    "helm/README.md": IMAGES,
    "docs/kubernetes.md": IMAGES,
    "k8s/gpu/README.md": IMAGES,
}
LEFT = """
{version} stands everywhere, and what would be published is in out/release. Left to you:
  git diff                               read it; the chart's artifacthub.io/changes are by hand
  make test-all && make cluster-test     what CI runs
  git commit -am "Release {version}" && git tag -s v{version} && git push --follow-tags
The tag starts .github/workflows/release.yml: CONTRIBUTING.md, "Releases".
"""


def read_headings(changelog: str) -> list[str]:
    """Read the released numbers of a changelog, newest first."""
    return re.findall(rf"^## ({NUMBER}) - \d{{4}}-\d\d-\d\d$", (ROOT / changelog).read_text(), re.M)


def write_number(version: str) -> None:
    """Write the number everywhere; raises SystemExit where it is older or nothing is unreleased."""
    if not re.fullmatch(NUMBER, version):
        raise SystemExit(f"'{version}' is not a valid release: say VERSION=0.3.0, for example.")
    if Version(version) < Version(RELEASE):
        raise SystemExit(f"{version} is older than {RELEASE}, which is here.")
    for name, without in CHANGELOGS.items():
        if version in read_headings(name):
            continue
        head, mark, rest = (ROOT / name).read_text().partition("## Unreleased\n")
        if not rest.partition("\n## ")[0].strip():
            if not without:
                raise SystemExit(f"{name} has nothing under '## Unreleased'.")
            rest = without + rest
        heading = f"\n## {version} - {datetime.now(UTC):%Y-%m-%d}\n"
        (ROOT / name).write_text(head + mark + heading + rest)
    for name, before in PLACES.items():
        text = (ROOT / name).read_text()
        text = re.sub(rf"({before}){NUMBER}", rf"\g<1>{version}", text, flags=re.M)
        (ROOT / name).write_text(text)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        write_number(sys.argv[1])
    else:  # what the Makefile says last
        print(LEFT.format(version=RELEASE))
