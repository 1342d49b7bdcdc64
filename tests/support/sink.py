"""A sink of events for tests."""

import contextlib
import json
import queue
import threading
from collections.abc import Iterator

from tests.support.http_server import Handler, run_server


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
