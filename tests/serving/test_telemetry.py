"""The log never holds the service up; traces: when they are on, and what wrong variables do."""

import json
import logging
import os
import subprocess
import sys

import pytest
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode

from serving.contract import GRPC_INFER
from serving.errors import CATALOGUE, InvalidTensor
from serving.telemetry import tracing
from serving.telemetry.record import LONGEST_ADDRESS, RequestLog
from tests.support.environment import end, run

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
    done = end("python", "-u", "-c", program)
    assert [line[:1] for line in done.stderr.splitlines()] == ["{", "t"], done.stderr


def test_an_address_in_a_line_is_short():
    record = RequestLog("predictor", "rest", "/", "/" + "x" * 1000, {})
    assert len(record.address) == LONGEST_ADDRESS
    record.name_address("x" * 1000)
    assert len(record.address) == LONGEST_ADDRESS


ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ID = "0af7651916cd43dd8448eb211c80319c"
IMPORTS = """
import sys
import predictor.model, serving.server, transformer.model
from serving.telemetry import tracing
tracing.start_tracing("predictor", "0")
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exp"))])
"""


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    monkeypatch.delitem(sys.modules, "serving.telemetry.exporter", raising=False)
    for name in ("tracer", "propagator", "provider"):
        monkeypatch.setattr(tracing, name, getattr(tracing, name))  # put back at the end
    for name in (*tracing.ENDPOINTS, "OTEL_SDK_DISABLED", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        monkeypatch.delenv(name, raising=False)


def test_without_the_variable_nothing_of_the_sdk_is_imported():
    assert run("python", "-c", IMPORTS) == "[]\n"


@pytest.mark.parametrize(
    "variables, wanted",
    [
        ({}, False),
        ({ENDPOINT: ""}, False),
        ({ENDPOINT: "http://a:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a:4318/v1/traces"}, True),
        ({ENDPOINT: "http://a:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({ENDPOINT: "http://a:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({ENDPOINT: "http://a:4318", "OTEL_TRACES_EXPORTER": "console, otlp"}, True),
    ],
)
def test_the_variables_that_switch_traces_on(variables, wanted):
    assert tracing.check_wanted(variables) is wanted


def test_a_propagator_that_is_not_installed_stops_nothing():
    program = "import serving.server; from serving.telemetry import tracing; print(tracing.problem)"
    told = run("python", "-c", program, env=os.environ | {"OTEL_PROPAGATORS": "b3"})
    assert told.startswith("OTEL_PROPAGATORS is passed over: Propagator b3 not found")


def test_a_missing_package_is_a_sentence_and_no_crash(monkeypatch, caplog):
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    tracing.start_tracing("predictor", "0")
    assert "Traces are off, as a package is missing" in caplog.text
    assert type(tracing.tracer) is NoOpTracer


@pytest.mark.parametrize(
    "name, value",
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),  # its exporter is a package that we don't bring
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
    ],
)
def test_a_wrong_variable_is_a_sentence_and_no_crash(monkeypatch, caplog, name, value):
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    tracing.start_tracing("predictor", "0")
    (record,) = (r for r in caplog.records if r.name == "landmarks")
    assert record.levelno == logging.WARNING and "Traces are off" in record.message


@pytest.mark.parametrize(
    "traceparent, trace_id",
    [
        (f"00-{ID}-b7ad6b7169203331-01", ID),
        (f"cc-{ID}-b7ad6b7169203331-01-of-a-later-version", ID),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", ""),
        (f"00-{ID.upper()}-b7ad6b7169203331-01", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_the_trace_of_a_traceparent(traceparent, trace_id):
    span, token = tracing.open_request("rest", "/", "/", {"traceparent": traceparent}, "")
    assert tracing.read_trace_id(span) == trace_id
    told: dict[str, str] = {}
    with tracing.open_call("a/b", "dns:///c:80") as call:
        tracing.write_parent(call, told)
    tracing.close_request(span, token, "rest", "", None)
    assert told.get("traceparent", "")[3:35] == trace_id  # with no collector it goes on, too


FAILED = ("internal", "predictor_unavailable", "deadline_exceeded")


@pytest.mark.parametrize("transport", ["rest", "grpc"])
@pytest.mark.parametrize("code", ["ok", "invalid_image", "overloaded", "cancelled", *FAILED])
def test_a_request_rightly_refused_is_no_error_of_the_server(kept, transport, code):
    error = None if code == "ok" else CATALOGUE[code]("It says so.")
    span, token = tracing.open_request(transport, GRPC_INFER, "/unet", {}, "id")
    tracing.close_request(span, token, transport, "unet", error)
    (span,) = kept.get_finished_spans()
    assert span.kind == SpanKind.SERVER
    assert span.status.status_code == (StatusCode.ERROR if code in FAILED else StatusCode.UNSET)
    assert span.attributes.get("error.type") == (None if code == "ok" else code)


def test_a_call_that_is_refused_is_an_error_of_the_client(kept):
    with pytest.raises(InvalidTensor), tracing.open_call(GRPC_INFER, "dns:///predictor:80"):
        raise InvalidTensor("It says so.")
    (span,) = kept.get_finished_spans()
    assert span.kind == SpanKind.CLIENT and span.status.status_code == StatusCode.ERROR
