"""What all tests share: the picture, and both services as real processes."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from serving.telemetry import tracing
from tests.support.soak import COUNTS, SOAK
from tools.processes import Service, find_ports, run_services

# Where the environment names a proxy for the world, this machine is still reached without it.
LOCAL = (os.environ.get("no_proxy", ""), "127.0.0.1", "localhost", "::1")
os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, LOCAL))
hypothesis.settings.register_profile("ours", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("ours")
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
    "promtool": "apt-get install prometheus",
}
ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--data", type=Path, help="faces/ and pictures/ for the checks of tests/data")


@pytest.fixture(scope="session")
def data(pytestconfig: pytest.Config) -> Path:
    """Data that is not ours to ship: faces/ (crops with landmarks) and pictures/ (photographs)."""
    folder = pytestconfig.getoption("--data")
    if folder is None:
        pytest.skip("no --data FOLDER was given")
    return folder


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """A photograph with one face, 512x512 (NASA, public domain)."""
    return (ROOT / "tests/assets/astronaut.jpg").read_bytes()


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, ...]]:
    with run_services(find_ports(), tmp_path_factory.mktemp("logs")) as running:
        yield running


@pytest.fixture(scope="session")
def predictor(services: tuple[Service, ...]) -> Service:
    return services[0]


@pytest.fixture(scope="session")
def transformer(services: tuple[Service, ...]) -> Service:
    return services[1]


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Both in one process, with a second model and the repository's methods."""
    logs = tmp_path_factory.mktemp("logs")
    folder = logs / "models"
    folder.mkdir()
    for path in (ROOT / "models").glob("student_unet.*"):
        (folder / path.name).symlink_to(path)
    settings = {
        "LANDMARKS_DRAIN_SECONDS": "0",
        "LANDMARKS_MODELS": str(folder),
        "LANDMARKS_REPOSITORY_API": "true",
    }
    with run_services(find_ports(), logs, settings, names=("standalone",)) as (service,):
        yield service


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Traces of this process, on for one test; what they are is kept here."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("test"))
    return exporter


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SOAK > 1:
        for what, count in COUNTS.items():
            terminalreporter.write_line(f"generated {count:,} {what}")
        terminalreporter.write_line(f"generated {COUNTS.total():,} in all")
    skipped = terminalreporter.stats.get("skipped", [])
    words = (set(re.findall("[a-z]+", str(report.longrepr[-1]).lower())) for report in skipped)
    found = Counter(next((tool for tool in HOW if tool in named), "") for named in words)
    del found[""]
    parts = [f"{number} for want of {tool} ({HOW[tool]})" for tool, number in found.most_common()]
    if parts:  # what was left out, and how to get it
        terminalreporter.write_line(f"tests left out: {', '.join(parts)}")
