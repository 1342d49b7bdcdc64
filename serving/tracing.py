"""Traces: what the services say about their spans, and nothing done about it.

serving/spans.py makes the real ones. It is imported, and OpenTelemetry's SDK with it, only
where the environment names a collector.
"""

import os
import re
from collections.abc import Mapping
from types import TracebackType

import grpc

from serving.errors import name_code, write_message
from serving.logs import logger

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")

Attribute = str | int


class Span:
    """A span that nobody collects; as a context manager it ends with its block."""

    def __init__(self, trace_id: str = ""):
        self.trace_id = trace_id

    def __enter__(self) -> "Span":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(name_code(error), write_message(error))

    def inject(self, headers: dict[str, str]) -> None:
        """Make this span the parent of what the receiver of these headers does."""

    def tell_status(self, status: grpc.StatusCode) -> None:
        """Say how the call ended in gRPC's own words."""

    def close(self, code: str, message: str = "", **attributes: Attribute) -> None:
        """End the span with "ok", or with a code of the catalogue and a sentence."""


class Tracer:
    """Makes spans that nobody collects."""

    def open_request(
        self, transport: str, route: str, address: str, headers: Mapping[str, str], request_id: str
    ) -> Span:
        """Begin the span of a request, a child of the caller's; the current one until closed."""
        return Span(read_trace_id(headers.get("traceparent", "")))

    def open_call(self, route: str, address: str, **attributes: Attribute) -> Span:
        """Begin the span of a gRPC call to another service."""
        return NO_SPAN

    def open_stage(self, name: str) -> Span:
        """Begin the span of a stage of the current request."""
        return NO_SPAN

    def write_stage(
        self,
        name: str,
        begun: float,
        ended: float,
        error: BaseException | None = None,
        **attributes: Attribute,
    ) -> None:
        """Make the span of a stage that is over; times are those of time.perf_counter()."""

    def describe(self, **attributes: Attribute) -> None:
        """Add to the span of the current request; attributes are named landmarks.<name>."""

    def close(self) -> None:
        """Hand over what is not yet collected, within a few seconds."""


NO_SPAN = Span()
tracer = Tracer()  # of this process; start_tracing puts the real one here


def start_tracing(service: str, release: str) -> None:
    """Make real spans from now on if the environment names a collector; never fails."""
    global tracer
    if not check_wanted(os.environ):
        return
    try:
        from serving.spans import CollectedTracer

        tracer = CollectedTracer(service, release)
    except ImportError as error:
        logger.warning(
            f"Traces are off, as a package is missing ({error}): see requirements/serving.txt."
        )
    except Exception as error:  # the SDK's word on a variable's value
        logger.warning(f"Traces are off, as OpenTelemetry cannot be set up ({error}).")
    else:
        logger.info("traces are on")


def check_wanted(variables: Mapping[str, str]) -> bool:
    """Tell whether OpenTelemetry's variables name a collector of traces and do not forbid it."""
    exporters = variables.get("OTEL_TRACES_EXPORTER") or "otlp"
    return (
        any(variables.get(name) for name in ENDPOINTS)
        and variables.get("OTEL_SDK_DISABLED", "").strip().lower() != "true"
        and "otlp" in [name.strip().lower() for name in exporters.split(",")]
    )


def read_trace_id(traceparent: str) -> str:
    """Read the trace's id out of a W3C traceparent, "" where there is none."""
    found = TRACEPARENT.fullmatch(traceparent)
    return found[1] if found and found[1].strip("0") else ""
