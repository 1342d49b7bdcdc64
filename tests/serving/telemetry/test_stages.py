"""Spans as OpenTelemetry's conventions want them, seen where the SDK hands them over."""

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from serving.contract import GRPC_INFER
from serving.errors import CATALOGUE, InvalidTensor
from serving.telemetry import tracing


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
    error = None if code == "ok" else CATALOGUE[code]("It says so.")
    span, token = tracing.open_request(transport, GRPC_INFER, "/unet", {}, "id")
    tracing.close_request(span, token, transport, "unet", error)
    (span,) = kept.get_finished_spans()
    assert span.kind == SpanKind.SERVER
    assert span.status.status_code == (StatusCode.ERROR if failed else StatusCode.UNSET)
    assert span.attributes.get("error.type") == (None if code == "ok" else code)


def test_a_call_that_is_refused_is_an_error_of_the_client(kept):
    with (
        pytest.raises(InvalidTensor),
        tracing.open_call(GRPC_INFER, "dns:///predictor:80"),
    ):
        raise InvalidTensor("It says so.")
    (span,) = kept.get_finished_spans()
    assert span.kind == SpanKind.CLIENT and span.status.status_code == StatusCode.ERROR
