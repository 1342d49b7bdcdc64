"""From the last chart to this one, with its values kept, under load."""

import pytest

from tests.cluster.commands import wait_until
from tests.cluster.crowd import make_small
from tests.cluster.journal import ScenarioResult
from tests.cluster.load import Load
from tests.cluster.picture import wait_answer
from tests.cluster.release import Release
from tests.cluster.test_first_answer import check_diff

LAST = "tests/helm/assets/landmarks-0.1.0.tgz"


@pytest.mark.load
@pytest.mark.scenario(11, "upgrade from the last chart with --reuse-values")
def test_reuse_values(record: ScenarioResult) -> None:
    release = Release("from-last")
    release.install(chart=LAST)
    answer = wait_answer(release.host)
    record.check("the last chart: right points", answer.right, answer)
    before = read_revision(release)
    with Load("from-last", release.host, "4:900", make_small(), 0.04) as load:
        release.upgrade(keep="--reuse-values")
        wait_until("this chart's revision", lambda: read_revision(release) != before, 180)
        release.wait_ready()
        wait_until("1,000 requests", lambda: load.count()[0] >= 1000, 400, 1)
        load.stop()
    requests, failures = load.totals()
    found = f"{requests} requests, {failures} failed {load.reasons()}"
    record.check("no request failed on the way", failures == 0 and requests >= 1000, found)
    answer = wait_answer(release.host)
    record.check("this chart: right points", answer.right, answer)
    check_diff(record, release, "the upgrade")


def read_revision(release: Release) -> str:
    status = release.get("ksvc", f"{release.name}-transformer").get("status", {})
    return status.get("latestReadyRevisionName", "")
