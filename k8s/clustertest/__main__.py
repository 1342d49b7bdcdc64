"""Bring up a cluster, install the chart, see the nine scenarios, write k8s/RESULTS.md.

python -m k8s.clustertest                  everything, from nothing to nothing
python -m k8s.clustertest --tries 2        what failed is seen once more at the end
python -m k8s.clustertest --ready --only 2 --keep   one scenario on the cluster that is up
"""

import argparse
import os
import subprocess
import time
import traceback

from k8s.clustertest.commands import OUT, ROOT
from k8s.clustertest.journal import Record, list_failed, write_records
from k8s.clustertest.release import Release
from k8s.clustertest.report import write_report
from k8s.clustertest.scenarios import (
    bad_values,
    concurrency,
    first_answer,
    gpu,
    rollout,
    scale_to_zero,
    security,
    standard_mode,
    storage,
)
from k8s.clustertest.watch import let_autoscaler_tell

SCENARIOS = {
    1: first_answer,
    2: concurrency,
    3: scale_to_zero,
    4: rollout,
    5: standard_mode,
    6: gpu,
    7: security,
    8: bad_values,
    9: storage,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m k8s.clustertest", description=__doc__)
    parser.add_argument("--ready", action="store_true", help="the cluster is up, images are loaded")
    parser.add_argument("--only", default="", metavar="N,N", help="these scenarios")
    parser.add_argument("--keep", action="store_true", help="leave the cluster as it is")
    parser.add_argument("--tries", type=int, default=1, help="times a scenario may be seen")
    arguments = parser.parse_args()
    wanted = [int(n) for n in arguments.only.split(",") if n] or list(SCENARIOS)
    os.environ["WITH_KEDA"] = "1"
    begun = time.monotonic()
    records: list[Record] = []
    setup: dict[str, float] = {}
    try:
        if not arguments.ready:
            for step in ("up", "load", "prometheus"):
                setup[step] = kind(step)
            let_autoscaler_tell()
        for number in wanted:
            records.append(see(number))
        for again in range(2, arguments.tries + 1):
            failed = list_failed(records)
            records += [see(number, f" (try {again})") for number in failed]
    finally:
        if not arguments.keep:
            setup["down"] = kind("down")
    setup["all of make cluster-test"] = time.monotonic() - begun
    write_records(OUT / "results.json", records)
    if wanted == list(SCENARIOS) and not arguments.ready:
        write_report(records, setup)
    tell_failures(records)
    failed = list_failed(records)
    print(f"\n{len(wanted) - len(failed)} of {len(wanted)} scenarios passed", flush=True)
    raise SystemExit(f"failed: {failed}" if failed else 0)


def tell_failures(records: list[Record]) -> None:
    """Say once more, at the end of a long output, which checks failed in which try."""
    for record in records:
        for check in record.checks:
            if not check.passed:
                print(f"failed: {record.number}. {record.title}: {check.text} ({check.found})")


def kind(step: str) -> float:
    """Run a step of k8s/kind.sh; gives its seconds."""
    begun = time.monotonic()
    subprocess.run([str(ROOT / "k8s/kind.sh"), step], cwd=ROOT, check=True)
    return time.monotonic() - begun


def see(number: int, mark: str = "") -> Record:
    """Run one scenario; what breaks it is one more check that failed."""
    scenario = SCENARIOS[number]
    record = Record(number, scenario.TITLE + mark)
    print(f"\n{number}. {record.title}", flush=True)
    begun = time.monotonic()
    try:
        try:
            scenario.run(record)
        finally:
            for release in list(Release.installed):  # it must not load the others' cluster
                release.uninstall()
    except Exception as error:
        traceback.print_exc()
        record.check(
            "the scenario runs to its end", False, f"{type(error).__name__}: {error}"[:500]
        )
    record.seconds = time.monotonic() - begun
    print(f"       ({record.seconds:.0f} s)", flush=True)
    return record


if __name__ == "__main__":
    main()
