"""A service of one face, and its page, that says what the tests tell it to say."""

import contextlib
import json
import mimetypes
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.support.http_server import Handler, run_server
from transformer.settings import PAGE

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
EMPTY = {
    "outputs": [out | {"shape": [0, *out["shape"][1:]], "data": []} for out in FACES["outputs"]]
}
VALUES = {"points": json.dumps(NAMES), "low": "0.9"}
CONFIG = {"parameters": {name: {"string_value": text} for name, text in VALUES.items()}}
DRAWN = b"\x89PNG drawn "
Answer = tuple[int, object, dict[str, str]]  # status, body, headers
BAD: Answer = (400, {"error": "That is no picture.", "code": "invalid_image"}, {})


def make_faces(places: Sequence[tuple[float, float]]) -> dict[str, list[dict[str, Any]]]:
    """Make the answer of one face whose points are at these places."""
    landmarks, scores, *others = FACES["outputs"]
    n, values = len(places), [value for place in places for value in place]
    landmarks = landmarks | {"shape": [1, n, 2], "data": values}
    return {"outputs": [landmarks, scores | {"shape": [1, n], "data": [0.9] * n}, *others]}


class Script:
    """What is answered: `queue` first, then by the picture's bytes; `seen` has the pictures."""

    def __init__(self) -> None:
        self.queue: list[Answer] = []
        self.seen: list[bytes] = []
        self.url = ""
        self.delay = 0.0  # seconds
        self.paths: list[str] = []  # of the pictures

    def answer(self, content: bytes) -> Answer:
        self.seen.append(content)
        time.sleep(self.delay)
        if self.queue:
            return self.queue.pop(0)
        if b"bad" in content[:9]:
            return BAD
        return 200, EMPTY if content.endswith(b"none") else FACES, {}


@contextlib.contextmanager
def run_script() -> Iterator[Script]:
    script = Script()

    class Scripted(Handler):
        def do_GET(self) -> None:
            page = PAGE / (self.path.removeprefix("/page/").strip("/") or "index.html")
            if page.is_file():
                kind = mimetypes.guess_type(page)[0] or ""
                self.tell(200, page.read_bytes(), {"content-type": kind})
            else:
                models = {"models": ["unet", "mesh"]}
                self.tell(200, models if self.path == "/v2/models" else CONFIG, {})

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


@pytest.fixture
def script() -> Iterator[Script]:
    with run_script() as script:
        yield script
