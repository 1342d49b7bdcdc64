"""A collector of traces for tests: takes OTLP over HTTP and keeps every span."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.support.http_server import Handler, run_server

SECONDS = 10.0  # in which spans arrive


@dataclass(frozen=True)
class Seen:
    """One span as it came in; times in nanoseconds since the epoch."""

    service: str
    name: str
    kind: str  # SERVER, CLIENT or INTERNAL
    trace: str
    id: str
    parent: str
    begun: int
    ended: int
    failed: bool
    attributes: dict[str, Any]


class Collector:
    def __init__(self, url: str):
        self.url = url
        self.spans: list[Seen] = []

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {entry.key: read_value(entry.value) for entry in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [read_span(str(about["service.name"]), span) for span in scope.spans]

    def wait(self, trace: str, complete: Callable[[list[Seen]], bool]) -> list[Seen]:
        """Return the spans of a trace, in the order of their begin, once they are complete."""
        deadline = time.monotonic() + SECONDS
        while True:
            found = sorted((s for s in self.spans if s.trace == trace), key=lambda s: s.begun)
            if complete(found):
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.05)


def read_span(service: str, span: Message) -> Seen:
    return Seen(
        service,
        span.name,
        Message.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == Status.STATUS_CODE_ERROR,
        {entry.key: read_value(entry.value) for entry in span.attributes},
    )


def read_value(value: AnyValue) -> Any:
    return getattr(value, value.WhichOneof("value") or "string_value")


@contextmanager
def run_collector() -> Iterator[Collector]:
    class Taking(Handler):
        def do_POST(self) -> None:
            body = self.read()
            if self.path == "/v1/traces":
                collector.take(body)
            self.reply(200)

    collector = Collector("")
    with run_server(Taking) as collector.url:
        yield collector
