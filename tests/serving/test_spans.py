"""Spans as OpenTelemetry's conventions want them, seen where the SDK hands them over."""

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from serving import spans
from serving.contract import GRPC_INFER


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
def test_a_request_rightly_refused_is_no_error_of_the_server(kept, transport, code, failed):
    tracer = spans.CollectedTracer("transformer", "1")
    tracer.open_request(transport, GRPC_INFER, "/unet", {}, "id").close(code, "It says so.")
    (span,) = kept.get_finished_spans()
    assert span.kind == SpanKind.SERVER
    assert span.status.status_code == (StatusCode.ERROR if failed else StatusCode.UNSET)
    assert span.attributes.get("error.type") == (None if code == "ok" else code)


def test_a_call_that_is_refused_is_an_error_of_the_client(kept):
    tracer = spans.CollectedTracer("transformer", "1")
    tracer.open_call(GRPC_INFER, "dns:///predictor:80").close("invalid_tensor")
    (span,) = kept.get_finished_spans()
    assert span.kind == SpanKind.CLIENT and span.status.status_code == StatusCode.ERROR
