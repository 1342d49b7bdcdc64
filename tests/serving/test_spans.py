"""Spans as OpenTelemetry's conventions want them, seen where the SDK hands them over."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from serving import spans
from serving.contract import GRPC_INFER


@pytest.fixture
def exporter(monkeypatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(spans, "make_provider", lambda *_: provider)
    return exporter


@pytest.mark.parametrize("transport", ["rest", "grpc"])
@pytest.mark.parametrize(
    "code, failed",
    [
        ("ok", False),
        ("invalid_image", False),
        ("overloaded", False),
        ("cancelled", False),
        ("internal", True),
        ("predictor_unavailable", True),
        ("deadline_exceeded", True),
    ],
)
def test_a_request_rightly_refused_is_no_error_of_the_server(exporter, transport, code, failed):
    tracer = spans.CollectedTracer("transformer", "1")
    tracer.open_request(transport, GRPC_INFER, "/unet", {}, "id").close(code, "It says so.")
    (span,) = exporter.get_finished_spans()
    assert span.kind == SpanKind.SERVER
    assert span.status.status_code == (StatusCode.ERROR if failed else StatusCode.UNSET)
    assert span.attributes.get("error.type") == (None if code == "ok" else code)


def test_a_call_that_is_refused_is_an_error_of_the_client(exporter):
    tracer = spans.CollectedTracer("transformer", "1")
    tracer.open_call(GRPC_INFER, "dns:///predictor:80").close("invalid_tensor")
    (span,) = exporter.get_finished_spans()
    assert span.kind == SpanKind.CLIENT and span.status.status_code == StatusCode.ERROR
