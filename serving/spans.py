"""Spans that are collected, with the attributes that OpenTelemetry's conventions name."""

import threading
import time
from collections.abc import Mapping

import grpc
from opentelemetry import context, propagate, trace
from opentelemetry.trace import SpanKind, StatusCode

from serving.collector import make_provider
from serving.errors import find_grpc_status, find_status, name_code, write_message
from serving.tracing import Attribute, Span, Tracer

FLUSH_SECONDS = 3.0  # at the end; the chart gives a pod 5 s beyond the drain and the stop
TRACE_HEADERS = ("traceparent", "tracestate")


class CollectedSpan(Span):
    """A span of the SDK. `transport` tells which attributes say how it ended.

    With a `parent` it is a request's: by the conventions one of 4xx is no error of the server.
    """

    def __init__(
        self, span: trace.Span, transport: str = "", parent: context.Context | None = None
    ):
        super().__init__(trace.format_trace_id(span.get_span_context().trace_id))
        self.span = span
        self.transport = transport
        self.status: grpc.StatusCode | None = None
        self.token = None
        if parent is not None:  # the span of a request: from now on the current one
            self.token = context.attach(trace.set_span_in_context(span, parent))

    def inject(self, headers: dict[str, str]) -> None:
        for name in TRACE_HEADERS:
            headers.pop(name, None)
        propagate.inject(headers, trace.set_span_in_context(self.span))

    def tell_status(self, status: grpc.StatusCode) -> None:
        self.status = status

    def close(self, code: str, message: str = "", **attributes: Attribute) -> None:
        self.span.set_attributes(name_attributes(attributes))
        if self.transport == "rest":
            self.span.set_attribute("http.response.status_code", find_status(code))
        elif self.transport == "grpc":
            status = self.status or find_grpc_status(code)
            self.span.set_attribute("rpc.response.status_code", status.name)
        self.end(code, message)
        if self.token is not None:
            context.detach(self.token)

    def end(self, code: str, message: str, nanoseconds: int | None = None) -> None:
        """Say how it ended, and when since the epoch if not now."""
        if code != "ok":
            self.span.set_attribute("error.type", code)
            if self.token is None or find_status(code) >= 500:
                self.span.set_status(StatusCode.ERROR, message)
        self.span.end(nanoseconds)


class CollectedTracer(Tracer):
    """Makes spans and sends them in the background; what a dead collector misses is dropped."""

    def __init__(self, service: str, release: str):
        # Not made the global provider: FastAPI would add spans of its own, for probes too.
        self.provider = make_provider(service, release)
        self.tracer = self.provider.get_tracer("landmarks", release)

    def open_request(
        self, transport: str, route: str, address: str, headers: Mapping[str, str], request_id: str
    ) -> Span:
        attributes = describe_rpc(route)
        if transport == "rest":
            attributes = {
                "http.request.method": "POST",
                "http.route": route,
                "url.path": address,
                "url.scheme": "http",
            }
        parent = propagate.extract(headers)
        span = self.tracer.start_span(
            f"POST {route}" if transport == "rest" else route,
            parent,
            SpanKind.SERVER,
            attributes | name_attributes({"request_id": request_id}),
        )
        return CollectedSpan(span, transport, parent)

    def open_call(self, route: str, address: str, **attributes: Attribute) -> Span:
        host, _, port = address.removeprefix("dns:///").rpartition(":")
        server: dict[str, Attribute] = {"server.address": host}
        if port.isdecimal():
            server["server.port"] = int(port)
        named = describe_rpc(route) | server | name_attributes(attributes)
        span = self.tracer.start_span(route, kind=SpanKind.CLIENT, attributes=named)
        return CollectedSpan(span, "grpc")

    def open_stage(self, name: str) -> Span:
        return CollectedSpan(self.tracer.start_span(name))

    def write_stage(
        self,
        name: str,
        begun: float,
        ended: float,
        error: BaseException | None = None,
        **attributes: Attribute,
    ) -> None:
        epoch = time.time_ns() - time.perf_counter_ns()
        start, end = (epoch + round(seconds * 1e9) for seconds in (begun, ended))
        span = self.tracer.start_span(
            name, attributes=name_attributes(attributes), start_time=start
        )
        CollectedSpan(span).end(name_code(error), write_message(error), end)

    def describe(self, **attributes: Attribute) -> None:
        trace.get_current_span().set_attributes(name_attributes(attributes))

    def close(self) -> None:
        # The SDK waits much longer for a collector that is gone.
        thread = threading.Thread(target=self.provider.shutdown, name="flush", daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)


def describe_rpc(route: str) -> dict[str, Attribute]:
    """Name a gRPC method, given as package.Service/Method, in OpenTelemetry's words."""
    # `rpc.system` is the older word for the second, and what many backends still look for.
    return {"rpc.system": "grpc", "rpc.system.name": "grpc", "rpc.method": route}


def name_attributes(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Put our own attributes into our namespace; empty texts say nothing and are left out."""
    return {f"landmarks.{name}": value for name, value in attributes.items() if value != ""}
