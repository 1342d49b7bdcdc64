"""The page of guards fits the markers and the source; `make guards` tries them."""

import subprocess
import sys

from tools.processes import ROOT


def test_each_guard_stands_in_its_file_and_was_seen_to_fail():
    done = subprocess.run(
        [sys.executable, "-m", "tools.guards", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 100
