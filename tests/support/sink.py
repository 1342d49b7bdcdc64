"""A sink of events for tests."""

import contextlib
import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink:
    """A sink of events: `got` has headers and data, `gate` lets it answer."""

    def __init__(self) -> None:
        self.got: queue.Queue[tuple[dict, dict]] = queue.Queue()
        self.gate, self.url = threading.Event(), ""
        self.gate.set()


@contextlib.contextmanager
def run_sink() -> Iterator[Sink]:
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            sink.gate.wait(5)
            sink.got.put((dict(self.headers), json.loads(content)))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sink.url = f"http://127.0.0.1:{server.server_address[1]}/events"
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        yield sink
        server.shutdown()
