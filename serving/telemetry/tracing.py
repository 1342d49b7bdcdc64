"""Traces: what the services say about their spans, in the words of OpenTelemetry's conventions.

Where the environment names no collector, OpenTelemetry's API makes spans that do no more than
carry the caller's trace on. serving/telemetry/exporter.py, and the SDK with it, is imported only
where the environment names one.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Token
from typing import TYPE_CHECKING

from opentelemetry import context, trace
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import INVALID_SPAN, NoOpTracer, Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from serving.errors import grpc_status_of, http_status, name_code, write_message
from serving.telemetry.logs import logger

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

PROPAGATORS = "OTEL_PROPAGATORS"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
RPC_STATUS = "rpc.response.status_code"
TRACE_HEADER = "traceparent"
FLUSH_SECONDS = 3.0  # at the end; the chart gives a pod 5 s beyond the drain and the stop

Attribute = str | int

problem = ""  # with OTEL_PROPAGATORS
try:
    from opentelemetry import propagate
except ValueError as error:  # it names one that is not installed, and whoever imports it fails
    problem = f"{PROPAGATORS} is passed over: {str(error).rstrip('.')}."
    del os.environ[PROPAGATORS]
    from opentelemetry import propagate

# Of this process, and not OpenTelemetry's global ones: FastAPI would add spans, for probes too.
tracer: Tracer = NoOpTracer()
propagator: TextMapPropagator = TraceContextTextMapPropagator()
provider: "TracerProvider | None" = None


def start_tracing(service: str, release: str) -> None:
    """Make real spans from now on if the environment names a collector; never fails."""
    global tracer, propagator, provider
    if problem:
        logger.warning(problem)
    if not check_wanted(os.environ):
        return
    try:
        from serving.telemetry.exporter import make_provider

        provider = make_provider(service, release)
    except ImportError as error:
        logger.warning(
            f"Traces are off, as a package is missing ({error}): see requirements/predictor.txt."
        )
    except Exception as error:  # the SDK's word on a variable's value
        logger.warning(f"Traces are off, as OpenTelemetry cannot be set up ({error}).")
    else:
        tracer = provider.get_tracer("landmarks", release)
        propagator = propagate.get_global_textmap()  # as OTEL_PROPAGATORS names it
        logger.info("traces are on")


def check_on() -> bool:
    """Check whether spans go anywhere; where they don't, a request makes none."""
    return not isinstance(tracer, NoOpTracer)


def check_traced() -> bool:
    """Check whether the current request is part of a trace."""
    return trace.get_current_span() is not INVALID_SPAN


def stop_tracing() -> None:
    """Hand over what is not yet collected, within a few seconds."""
    if provider is not None:  # the SDK waits much longer for a collector that is gone
        thread = threading.Thread(target=provider.shutdown, name="flush", daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)


def check_wanted(variables: Mapping[str, str]) -> bool:
    """Check whether OpenTelemetry's variables name a collector of traces and do not forbid it."""
    exporters = variables.get("OTEL_TRACES_EXPORTER") or "otlp"
    return (
        any(variables.get(name) for name in ENDPOINTS)
        and variables.get("OTEL_SDK_DISABLED", "").strip().lower() != "true"
        and "otlp" in [name.strip().lower() for name in exporters.split(",")]
    )


def open_request(
    transport: str, route: str, address: str, headers: Mapping[str, str], request_id: str
) -> tuple[Span, Token | None]:
    """Begin the span of a request, a child of the caller's; it is the current one until closed."""
    if not check_on() and TRACE_HEADER not in headers:
        return INVALID_SPAN, None
    name, attributes = route, describe_rpc(route)
    if transport == "rest":
        name = f"POST {route}"
        attributes = {
            "http.request.method": "POST",
            "http.route": route,
            "url.path": address,
            "url.scheme": "http",
        }
    parent = propagator.extract(headers)
    attributes |= name_attributes({"request_id": request_id})
    span = tracer.start_span(name, parent, SpanKind.SERVER, attributes)
    return span, context.attach(trace.set_span_in_context(span, parent))


def close_request(
    span: Span, token: Token | None, transport: str, model: str, error: BaseException | None
) -> None:
    """End the span of a request; by the conventions a 4xx is not an error of the server."""
    if token is None:
        return
    code = name_code(error)
    if span.is_recording():
        span.set_attributes(name_attributes({"model": model}))
        if transport == "rest":
            span.set_attribute("http.response.status_code", http_status(code))
        else:
            span.set_attribute(RPC_STATUS, grpc_status_of(code).name)
    end_span(span, error, failed=http_status(code) >= 500)
    context.detach(token)


@contextmanager
def open_call(route: str, address: str, **attributes: Attribute) -> Iterator[Span]:
    """Make the span of a gRPC call to another service; the block sets RPC_STATUS."""
    if not check_on():
        yield trace.get_current_span()  # the caller's, if it told of one
        return
    host, _, port = address.removeprefix("dns:///").rpartition(":")
    server: dict[str, Attribute] = {"server.address": host}
    if port.isdecimal():
        server["server.port"] = int(port)
    named = describe_rpc(route) | server | name_attributes(attributes)
    span = tracer.start_span(route, kind=SpanKind.CLIENT, attributes=named)
    try:
        yield span
    except BaseException as error:
        end_span(span, error)
        raise
    end_span(span, None)


def write_stage(
    name: str,
    begun: float,
    ended: float,
    error: BaseException | None = None,
    **attributes: Attribute,
) -> None:
    """Make the span of a stage that is over; times are those of time.perf_counter()."""
    if not check_on():
        return
    epoch = time.time_ns() - time.perf_counter_ns()
    start, end = (epoch + round(seconds * 1e9) for seconds in (begun, ended))
    span = tracer.start_span(name, attributes=name_attributes(attributes), start_time=start)
    end_span(span, error, ended=end)


def end_span(
    span: Span, error: BaseException | None, failed: bool = True, ended: int | None = None
) -> None:
    """Set how the span ended, and when (ns since the epoch) if not now."""
    if error is not None:
        span.set_attribute("error.type", name_code(error))
        if failed:
            span.set_status(StatusCode.ERROR, write_message(error))
    span.end(ended)


def describe_request(**attributes: Attribute) -> None:
    """Add to the span of the current request; attributes are named landmarks.<name>."""
    if check_on():
        trace.get_current_span().set_attributes(name_attributes(attributes))


def write_parent(span: Span, headers: dict[str, str]) -> None:
    """Make the span the parent of what the receiver of these headers does."""
    if span is not INVALID_SPAN:
        propagator.inject(headers, trace.set_span_in_context(span))


def read_trace_id(span: Span) -> str:
    """Return the trace's id as logs have it, "" where there is none."""
    found = span.get_span_context().trace_id
    return trace.format_trace_id(found) if found else ""


def describe_rpc(route: str) -> dict[str, Attribute]:
    """Name a gRPC method, given as package.Service/Method, in OpenTelemetry's words."""
    return {"rpc.system.name": "grpc", "rpc.method": route}


def name_attributes(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Put our own attributes into our namespace; empty texts say nothing and are left out."""
    return {f"landmarks.{name}": value for name, value in attributes.items() if value != ""}
