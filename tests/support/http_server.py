"""Small HTTP servers for tests on free ports: any, a sink of events, a collector of traces."""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def read(self) -> bytes:
        return self.rfile.read(int(self.headers["content-length"]))

    def reply(
        self, status: int, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@contextlib.contextmanager
def run_server(handler: type[Handler]) -> Iterator[str]:
    """Serve until the block ends; gives the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class Sink:
    """A sink of events: `got` has headers and data, `gate` lets it answer."""

    def __init__(self) -> None:
        self.got: queue.Queue[tuple[dict, dict]] = queue.Queue()
        self.gate, self.url = threading.Event(), ""
        self.gate.set()


@contextlib.contextmanager
def run_sink() -> Iterator[Sink]:
    sink = Sink()

    class Taking(Handler):
        def do_POST(self) -> None:
            content = self.read()
            sink.gate.wait(60)
            sink.got.put((dict(self.headers), json.loads(content)))
            self.reply(202)

    with run_server(Taking) as address:
        sink.url = f"{address}/events"
        yield sink


class Seen(NamedTuple):
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
    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Seen] = []

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = read_attributes(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [read_span(service, span) for span in scope.spans]

    def wait(self, trace: str, complete: Callable[[list[Seen]], bool]) -> list[Seen]:
        """Return the spans of a trace, in the order of their begin, once they are complete."""
        deadline = time.monotonic() + 60
        while True:
            found = sorted((s for s in self.spans if s.trace == trace), key=lambda s: s.begun)
            if complete(found):
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.05)


def read_span(service: str, span: Span) -> Seen:
    kind = Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
    trace, own, parent = (i.hex() for i in (span.trace_id, span.span_id, span.parent_span_id))
    times = span.start_time_unix_nano, span.end_time_unix_nano
    failed, more = span.status.code == Status.STATUS_CODE_ERROR, read_attributes(span.attributes)
    return Seen(service, span.name, kind, trace, own, parent, *times, failed, more)


def read_attributes(entries: Iterator[KeyValue]) -> dict[str, Any]:
    named = {entry.key: entry.value for entry in entries}
    return {k: getattr(v, v.WhichOneof("value") or "string_value") for k, v in named.items()}


@contextlib.contextmanager
def run_collector() -> Iterator[Collector]:
    class Taking(Handler):
        def do_POST(self) -> None:
            body = self.read()
            if self.path == "/v1/traces":
                collector.take(body)
            self.reply(200)

    collector = Collector()
    with run_server(Taking) as collector.url:
        yield collector
