"""A server of the page whose model is another one: 478 points, a high bar for trust."""

import contextlib
import json

from tests.support.http_server import Handler, run_server
from transformer.settings import PAGE

POINTS = 478
TYPES = {kind: f"text/{kind}" for kind in ("html", "css")} | {"js": "text/javascript"}
TYPES["svg"] = "image/svg+xml"
PLACES = [(20 + 5 * (i % 22), 20 + 5 * (i // 22)) for i in range(POINTS)]  # x, y
OUTPUTS: dict[str, list] = {
    "landmarks": [float(value) for place in PLACES for value in place],
    "scores": [0.9] * POINTS,
    "boxes": [10.0, 10.0, 150.0, 150.0],
    "box_scores": [0.99],
    "face_scores": [0.8],
}
INFER = {
    "outputs": [
        {"name": name, "shape": [1, POINTS, 2] if name == "landmarks" else [1], "data": data}
        for name, data in OUTPUTS.items()
    ]
}
CONFIG = {
    "parameters": {
        "points": {"string_value": json.dumps([f"p{i}" for i in range(POINTS)])},
        "low": {"string_value": "0.9"},
    }
}


REFUSALS: list[tuple[int, dict, str]] = []  # status, body, Retry-After: of the next requests


class Stub(Handler):
    def do_GET(self) -> None:
        models = {"/v2/models": {"models": ["unet", "mesh"]}, "/v2/models/unet/config": CONFIG}
        if self.path.startswith("/v2"):
            return self.tell(200, json.dumps(models[self.path]).encode())
        path = PAGE / (self.path.removeprefix("/page/").strip("/") or "index.html")
        return self.tell(200, path.read_bytes(), TYPES[path.suffix[1:]])

    def do_POST(self) -> None:
        self.read()
        if REFUSALS:
            status, body, wait = REFUSALS.pop(0)
            return self.tell(status, json.dumps(body).encode(), wait=wait)
        return self.tell(200, json.dumps(INFER).encode())

    def tell(self, status: int, content: bytes, kind: str = "application/json", wait="") -> None:
        headers = {"content-type": kind, "retry-after": wait}
        self.reply(status, content, {name: value for name, value in headers.items() if value})


def run_stub() -> contextlib.AbstractContextManager[str]:
    """Serve on a free port; gives the address."""
    return run_server(Stub)
