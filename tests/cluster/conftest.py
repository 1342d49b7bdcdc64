"""Run the scenarios by pytest: bring up a cluster, keep what was seen in out/cluster-test.

pytest tests/cluster                        everything, from nothing to nothing
pytest tests/cluster --reruns 1             what failed is seen once more; both are kept
pytest tests/cluster --ready --keep -k gpu  one scenario on the cluster that is up
"""

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.cluster.journal import OUT, ROOT, ScenarioResult, write_records
from tests.cluster.release import Release
from tests.cluster.test_upgrade import UNIT, start_unit_tests

RECORDS = pytest.StashKey[list[ScenarioResult]]()
SETUP = pytest.StashKey[dict[str, float]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cluster")
    group.addoption("--ready", action="store_true", help="the cluster is up, images are loaded")
    group.addoption("--keep", action="store_true", help="leave the cluster as it is")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(number, title): its place in the run")
    config.addinivalue_line("markers", "load: requests run while something happens")
    config.stash[RECORDS] = []
    config.stash[SETUP] = {"begun": time.monotonic()}


def read_mark(item: pytest.Item) -> tuple[int, str]:
    mark = item.get_closest_marker("scenario")
    assert mark, f"{item.nodeid} has no scenario(number, title)"
    return mark.args


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: read_mark(item)[0])


@pytest.fixture(scope="session", autouse=True)
def cluster(pytestconfig: pytest.Config) -> Iterator[None]:
    """A cluster with everything on it and the images in it."""
    os.environ |= {"WITH_KEDA": "1", "TOPOLOGY": "all"}
    setup = pytestconfig.stash[SETUP]
    try:
        if not pytestconfig.getoption("--ready"):
            for step in ("up", "load", "prometheus"):
                setup[step] = kind(step)
                whole = not any(map(pytestconfig.getoption, ("--ready", "keyword", "markexpr")))
                if step == "up" and whole:
                    UNIT.append(start_unit_tests())
            for process in UNIT:
                process.wait(900)  # before any load is measured
        yield
    finally:
        if not pytestconfig.getoption("--keep"):
            setup["down"] = kind("down")


def kind(step: str) -> float:
    begun = time.monotonic()
    print(f"\nk8s/kind.sh {step}", flush=True)
    subprocess.run([str(ROOT / "k8s/kind.sh"), step], cwd=ROOT, check=True)
    return time.monotonic() - begun


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Iterator[ScenarioResult]:
    """What this scenario sees, once more for each try; what it installed goes afterwards."""
    number, title = read_mark(request.node)
    tries = getattr(request.node, "execution_count", 1)
    record = ScenarioResult(number, title + (f" (try {tries})" if tries > 1 else ""))
    request.config.stash[RECORDS].append(record)
    print(f"\n{number}. {record.title}", flush=True)
    begun = time.monotonic()
    yield record
    for release in list(Release.installed):  # it must not load the others' cluster
        release.uninstall()
    record.seconds = time.monotonic() - begun
    print(f"       ({record.seconds:.0f} s)", flush=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Iterator[None]:
    """A scenario goes on after a check that failed, and has failed at its end."""
    record = item.funcargs["record"]
    assert isinstance(record, ScenarioResult)
    try:
        result = yield
    except Exception as error:
        found = f"{type(error).__name__}: {error}"[:500]
        record.check("the scenario runs to its end", False, found)
        raise
    failed = [f"{check.text} ({check.found})" for check in record.checks if not check.passed]
    if failed or not record.checks:
        pytest.fail("\n".join(failed) or "nothing was checked", pytrace=False)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what was seen, and say how long it took."""
    records, setup = session.config.stash[RECORDS], session.config.stash[SETUP]
    setup["all"] = time.monotonic() - setup.pop("begun")
    if records:
        write_records(OUT / "results.json", records, setup)
        print("\n" + ", ".join(f"{step} {seconds:.0f} s" for step, seconds in setup.items()))
