"""A service of one face that says what the tests tell it to say."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

from tests.support.http_server import Handler, run_server

NAMES = ["left_eye", "nose_tip"]
FACES: dict[str, list[dict[str, Any]]] = {
    "outputs": [
        {"name": "landmarks", "datatype": "FP32", "shape": [1, 2, 2], "data": [1, 2, 3, 4]},
        {"name": "scores", "datatype": "FP32", "shape": [1, 2], "data": [0.9, 0.8]},
        {"name": "boxes", "datatype": "FP32", "shape": [1, 4], "data": [0, 0, 9, 9]},
        {"name": "box_scores", "datatype": "FP32", "shape": [1], "data": [0.95]},
        {"name": "face_scores", "datatype": "FP32", "shape": [1], "data": [0.85]},
        {"name": "face_ids", "datatype": "INT32", "shape": [1], "data": [0]},
    ]
}
EMPTY: dict[str, list[dict[str, Any]]] = {
    "outputs": [
        {"name": name, "datatype": "FP32", "shape": shape, "data": []}
        for name, shape in (
            ("landmarks", [0, 2, 2]),
            ("scores", [0, 2]),
            ("boxes", [0, 4]),
            ("box_scores", [0]),
            ("face_scores", [0]),
        )
    ]
}
CONFIG = {
    "parameters": {"points": {"string_value": json.dumps(NAMES)}, "low": {"string_value": "0.9"}}
}
DRAWN = b"\x89PNG drawn "
BAD: tuple[int, object, dict[str, str]] = (
    400,
    {"error": "That is no picture.", "code": "invalid_image"},
    {},
)


class Script:
    """What is answered: `queue` first, then by the picture's bytes; `seen` has the pictures."""

    def __init__(self) -> None:
        self.queue: list[tuple[int, object, dict[str, str]]] = []
        self.seen: list[bytes] = []
        self.url = ""
        self.delay = 0.0  # seconds
        self.paths: list[str] = []  # of the pictures

    def answer(self, content: bytes) -> tuple[int, object, dict[str, str]]:
        self.seen.append(content)
        time.sleep(self.delay)
        if self.queue:
            return self.queue.pop(0)
        if b"bad" in content[:9]:
            return BAD
        return 200, EMPTY if content.endswith(b"none") else FACES, {}


@contextlib.contextmanager
def run_script() -> Iterator[Script]:
    """Serve a script on a free port of this machine."""
    script = Script()

    class Scripted(Handler):
        def do_GET(self) -> None:
            self.tell(200, CONFIG, {})

        def do_POST(self) -> None:
            script.paths.append(self.path)
            content = self.read()
            if self.headers["accept"] == "image/png":
                self.tell(200, DRAWN + content, {"content-type": "image/png"})
            else:
                self.tell(*script.answer(content))

        def tell(self, status: int, body: object, headers: dict[str, str]) -> None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.reply(status, content, headers)

    with run_server(Scripted) as script.url:
        yield script
