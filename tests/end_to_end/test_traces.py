"""Traces and events of real requests through both services, as a collector and a sink get them."""

import json
import re
import signal
import socket
from collections.abc import Iterator
from itertools import count

import grpc
import numpy as np
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from serving.grpc.codec import encode_request
from tests.support.ask import JPEG, ask_grpc, infer_url, read_outputs
from tests.support.http_server import Collector, Seen, run_collector, run_sink
from tests.support.load import read_metric, sum_metric, wait_for
from tests.support.raw_http import INFER
from tools.processes import Service, find_ports, run_services
from transformer.events import TYPE

REST = "POST /v2/models/{model}/infer"
GRPC = "inference.GRPCInferenceService/ModelInfer"
CALLER = "b7ad6b7169203331"  # the span of the one who asks
TRANSFORMER, PREDICTOR = "landmarks-transformer", "landmarks-predictor"

Traced = tuple[Collector, Service, Service]
numbers = count(1)


@pytest.fixture(scope="module")
def traced(tmp_path_factory) -> Iterator[Traced]:
    with run_collector() as collector:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        logs = tmp_path_factory.mktemp("logs")
        with run_services(find_ports(), logs, settings) as (predictor, transformer):
            yield collector, predictor, transformer


@pytest.fixture
def trace() -> str:
    """The id of a trace that no other test has."""
    return f"{next(numbers):032x}"


def write_parent(trace: str, flags: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{CALLER}-{flags}"}


def has_both(spans: list[Seen]) -> bool:
    """Check whether both services' own spans are there: they end last."""
    return {TRANSFORMER, PREDICTOR} <= {span.service for span in spans if span.kind == "SERVER"}


def pick(spans: list[Seen], service: str, name: str) -> Seen:
    (found,) = (span for span in spans if (span.service, span.name) == (service, name))
    return found


def read_log(service: Service, text: str) -> dict:
    """Read the one line with a text, which a thread of the service writes after the answer."""
    (found,) = wait_for(
        lambda: [line for line in service.log.read_text().splitlines() if text in line]
    )
    return json.loads(found)


def test_a_picture_is_one_trace_through_both_services(traced, trace, astronaut):
    collector, predictor, transformer = traced
    headers = JPEG | write_parent(trace) | {"x-request-id": f"picture-{trace}"}
    answer = requests.post(transformer.url + INFER, data=astronaut, headers=headers)
    assert answer.status_code == 200
    spans = collector.wait(trace, has_both)

    outer, call = pick(spans, TRANSFORMER, REST), pick(spans, TRANSFORMER, GRPC)
    inner = pick(spans, PREDICTOR, GRPC)
    assert (outer.kind, call.kind, inner.kind) == ("SERVER", "CLIENT", "SERVER")
    assert outer.parent == CALLER and call.parent == outer.id and inner.parent == call.id
    stages = {span.name: span for span in spans if span.kind == "INTERNAL"}
    named = {TRANSFORMER: ["wait", "decode", "detect", "crop"]}
    named[PREDICTOR] = ["resize", "queue", "infer"]
    for service, wanted in named.items():
        assert [name for name in stages if stages[name].service == service] == wanted
    assert len(spans) == 3 + 7 and not any(span.failed for span in spans)
    for server in (outer, inner):
        own = [stage for stage in stages.values() if stage.service == server.service]
        assert {stage.parent for stage in own} == {server.id}
        children = [span for span in spans if span.parent == server.id]
        assert sum(s.ended - s.begun for s in children) <= server.ended - server.begun
    timings = dict(re.findall(r"(\w+);dur=([\d.]+)", answer.headers["server-timing"]))
    for name in ("decode", "detect", "crop", "infer"):
        seconds = (stages[name].ended - stages[name].begun) / 1e9
        assert 0 < seconds < float(timings[name]) / 1000 + 0.001, name  # it lies within

    assert outer.attributes == {
        "http.request.method": "POST",
        "http.route": "/v2/models/{model}/infer",
        "url.path": INFER,
        "url.scheme": "http",
        "http.response.status_code": 200,
        "landmarks.request_id": f"picture-{trace}",
        "landmarks.model": "unet",
        "landmarks.pictures": 1,
        "landmarks.faces": 1,
    }
    rpc = {"rpc.system.name": "grpc", "rpc.method": GRPC}
    done = {"rpc.response.status_code": "OK", "landmarks.model": "unet", "landmarks.faces": 1}
    address = {"server.address": "127.0.0.1", "server.port": predictor.grpc}
    assert call.attributes == rpc | done | address
    assert inner.attributes == rpc | done | {"landmarks.request_id": f"picture-{trace}"}
    assert stages["infer"].attributes["landmarks.batch_faces"] == 1
    assert stages["infer"].attributes["landmarks.engine"]
    for service in (predictor, transformer):
        assert read_log(service, f"picture-{trace}")["trace_id"] == trace


def test_over_grpc_the_parent_comes_as_metadata(traced, trace, astronaut):
    collector, _, transformer = traced
    request = encode_request("unet", {"image": [astronaut]})
    with grpc.insecure_channel(f"127.0.0.1:{transformer.grpc}") as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        stub.ModelInfer(request, timeout=30, metadata=tuple(write_parent(trace).items()))
    spans = collector.wait(trace, has_both)
    outer, call = (s for s in spans if s.service == TRANSFORMER and s.name == GRPC)
    assert (outer.kind, outer.parent, call.kind) == ("SERVER", CALLER, "CLIENT")
    assert outer.attributes["rpc.response.status_code"] == "OK"
    assert pick(spans, PREDICTOR, GRPC).parent == call.id


def test_an_error_has_its_code_in_every_span_that_it_went_through(traced, trace):
    collector, _, transformer = traced
    bright = {"name": "face", "datatype": "FP32", "shape": [1, 1, 16, 16], "data": [2.0] * 256}
    answer = requests.post(
        transformer.url + INFER, json={"inputs": [bright]}, headers=write_parent(trace)
    )
    assert answer.status_code == 400
    spans = collector.wait(trace, has_both)
    found = [span for span in spans if span.failed or "error.type" in span.attributes]
    assert {(s.service, s.kind, s.failed) for s in found} == {
        (TRANSFORMER, "SERVER", False),  # it was right to refuse
        (TRANSFORMER, "CLIENT", True),
        (PREDICTOR, "SERVER", False),
        (PREDICTOR, "INTERNAL", True),  # the stage that read the face
    }
    assert {span.attributes["error.type"] for span in found} == {"invalid_tensor"}
    assert pick(spans, TRANSFORMER, REST).attributes["http.response.status_code"] == 400
    assert pick(spans, PREDICTOR, GRPC).attributes["rpc.response.status_code"] == "INVALID_ARGUMENT"


def test_without_a_parent_a_trace_begins_here(traced, astronaut):
    collector, predictor, transformer = traced
    headers = JPEG | {"x-request-id": "orphan", "traceparent": "00-nonsense", "tracestate": "a=b"}
    assert requests.post(transformer.url + INFER, data=astronaut, headers=headers).ok
    begun = read_log(transformer, "orphan")["trace_id"]
    assert re.fullmatch("[0-9a-f]{32}", begun)
    assert pick(collector.wait(begun, has_both), TRANSFORMER, REST).parent == ""
    assert read_log(predictor, "orphan")["trace_id"] == begun


def test_neither_probes_nor_what_the_caller_does_not_record_make_spans(traced, trace, astronaut):
    collector, predictor, transformer = traced
    for service in (predictor, transformer):
        for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/unet/ready", "/metrics"):
            assert requests.get(service.url + path, headers=write_parent(trace)).ok
    headers = JPEG | write_parent(trace, "00") | {"x-request-id": f"unseen-{trace}"}
    assert requests.post(transformer.url + INFER, data=astronaut, headers=headers).ok
    later = f"{next(numbers):032x}"
    requests.post(transformer.url + INFER, data=astronaut, headers=JPEG | write_parent(later))
    collector.wait(later, has_both)  # spans are sent in the order of their ends
    assert trace not in {span.trace for span in collector.spans}
    assert read_log(predictor, f"unseen-{trace}")["trace_id"] == trace


def test_the_last_spans_are_sent_before_the_service_ends(start_transformer, trace, astronaut):
    with run_collector() as collector:
        service = start_transformer(
            otel_exporter_otlp_endpoint=collector.url,
            otel_bsp_schedule_delay="60000",
            otel_service_name="faces",
        )
        headers = JPEG | write_parent(trace)
        assert requests.post(service.url + INFER, data=astronaut, headers=headers).ok
        assert not collector.spans
        assert service.stop(signal.SIGTERM) == 0
        assert pick(collector.spans, "faces", REST).parent == CALLER


def test_a_dead_collector_harms_no_request(start_transformer, astronaut):
    with socket.create_server(("127.0.0.1", 0)) as listener:  # and never answers
        service = start_transformer(
            otel_exporter_otlp_endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}",
            otel_bsp_schedule_delay="10",
            otel_bsp_max_queue_size="8",
            otel_bsp_max_export_batch_size="8",
        )
        for _ in range(8):
            answer = requests.post(service.url + INFER, data=astronaut, headers=JPEG, timeout=8)
            assert answer.status_code == 200  # the exporter itself would wait 10 s
        assert service.stop(signal.SIGTERM, 9) == 0


def test_answers_through_both_doors_become_events(start_transformer, astronaut):
    with run_sink() as sink:
        service = start_transformer(events_sink=sink.url, events_share="1")
        answer = requests.post(infer_url(service), astronaut, headers=JPEG, timeout=30)
        ask_grpc(service, {"image": [astronaut] * 2})
        told = read_outputs(answer)
        headers, data = sink.got.get(timeout=60)
        assert headers["ce-specversion"] == "1.0" and headers["ce-type"] == TYPE
        assert headers["ce-source"] == "/landmarks/unet" and headers["ce-id"] and headers["ce-time"]
        assert data["landmarks_set"] == answer.headers["landmarks-set"] and data["pictures"] == 1
        for name in ("landmarks", "scores", "boxes", "face_scores"):
            assert np.allclose(data[name], told[name], atol=1e-4)
        assert 20 < data["brightness"][0] < 235
        assert sum(np.size(value) for value in data.values()) < 70  # and no pixels
        assert sink.got.get(timeout=60)[1]["image_index"] == [0, 1]
        wait_for(lambda: sum_metric(service, r'landmarks_events_total\{outcome="sent"') == 2)
        for name in ("score", "size_pixels", "brightness"):
            name = f'landmarks_face_{name}_count{{service="transformer"}}'
            assert read_metric(service, name) == 3
