"""The log never holds the service up."""

import json
import subprocess
import sys

import pytest

from serving.telemetry.record import LONGEST_ADDRESS, RequestLog

PROGRAM = """
from serving.telemetry.logs import MAX_LINES, configure_logs, logger
from serving.telemetry.metrics import DROPPED_LINES
configure_logs("INFO", True)
for i in range(MAX_LINES + 2000):
    logger.info("x" * 200, extra={"i": i})
print(DROPPED_LINES._value.get(), flush=True)
"""


@pytest.mark.parametrize("read", [True, False])  # in the end
def test_a_pipe_that_nobody_reads_stops_nothing_and_what_is_lost_is_counted(read):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stderr
    assert 1000 < float(process.stdout.readline()) < 2000
    if read:
        lines = process.stderr.read().splitlines()
        assert json.loads(lines[0])["i"] == 0 and len(lines) > 5000
    assert process.wait(60) == 0
    process.stderr.close()


def test_a_sentence_of_another_s_is_whole():
    program = """
import sys
from serving.telemetry.logs import configure_logs, logger
configure_logs("INFO", True)
sys.stderr.write("the port")
logger.info("loaded")
logger.root.handlers[0].finish()
sys.stderr.write(" is in use\\n")
"""
    done = subprocess.run([sys.executable, "-u", "-c", program], capture_output=True, text=True)
    assert [line[:1] for line in done.stderr.splitlines()] == ["{", "t"], done.stderr


def test_an_address_in_a_line_is_short():
    record = RequestLog("predictor", "rest", "/", "/" + "x" * 1000, {})
    assert len(record.address) == LONGEST_ADDRESS
    record.name_address("x" * 1000)
    assert len(record.address) == LONGEST_ADDRESS
