"""What the pages tell a reader to send is answered, as it stands there but for the ports."""

import shutil
import subprocess
import sys

import pytest

from tests.tools.test_readme import SHELL
from tools.processes import ROOT

ASKS = ("curl ", "python -m client ")
BLOCKS = [
    block
    for block in SHELL
    if block.values[0] in ("README.md", "docs/api.md", "docs/clients.md")
    and any(ask in block.values[1] for ask in ASKS)
]


def test_there_are_blocks_to_run():
    assert len(BLOCKS) > 5


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize(("page", "block"), BLOCKS)
def test_a_block_is_answered(page, block, predictor, transformer, tmp_path):
    for written, here in {
        "127.0.0.1:8080": f"127.0.0.1:{transformer.rest}",
        "127.0.0.1:8081": f"127.0.0.1:{transformer.grpc}",
        "127.0.0.1:8082": f"127.0.0.1:{predictor.rest}",
        ".venv/bin/python": sys.executable,
        "-m client ": f"-m client --url http://127.0.0.1:{transformer.rest} ",
        "/tmp/": f"{tmp_path}/",
        " out/": f" {tmp_path}/",
        "curl ": "curl --fail-with-body --silent --show-error --noproxy '*' ",
    }.items():
        block = block.replace(written, here)
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        cwd=ROOT,
        input=block,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "landmarks" in done.stdout or "nose_tip" in done.stdout
