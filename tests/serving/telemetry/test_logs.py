"""The log never holds the service up."""

import json
import subprocess
import sys
import time

from serving.telemetry.record import LONGEST_ADDRESS, RequestLog

PROGRAM = """
import time
from serving.telemetry.logs import MAX_LINES, configure_logs, logger
from serving.telemetry.metrics import DROPPED_LINES
configure_logs("INFO", True)
begun = time.monotonic()
for i in range(MAX_LINES + 2000):
    logger.info("x" * 200, extra={"i": i})
print(time.monotonic() - begun, DROPPED_LINES._value.get(), flush=True)
"""


def test_a_pipe_that_nobody_reads_stops_nothing_and_what_is_lost_is_counted():
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stderr
    seconds, dropped = map(float, process.stdout.readline().split())
    assert seconds < 30 and 1000 < dropped < 2000
    begun = time.monotonic()
    lines = process.stderr.read().splitlines()  # now somebody does
    assert process.wait(10) == 0 and time.monotonic() - begun < 10
    assert json.loads(lines[0])["i"] == 0 and len(lines) > 5000


def test_an_address_in_a_line_is_short():
    record = RequestLog("predictor", "rest", "/", "/" + "x" * 1000, {})
    assert len(record.address) == LONGEST_ADDRESS
    record.name_address("x" * 1000)
    assert len(record.address) == LONGEST_ADDRESS
