"""The table of servers: how each is started, and how it is asked for a face and for pictures."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.dataplane.run import IMAGES, QUIET
from loadtest.pictures import make_portrait
from tools.processes import ROOT
from tools.v2_json import face_tensor, image_tensor, pack_strings, pack_tensor

OUT = ROOT / "out/peers"
JSON, RAW = "application/json", "application/octet-stream"
Body = tuple[bytes, str, str]  # content, content type, further headers


@dataclass(frozen=True, slots=True)
class Ask:
    """Where a workload goes: a path, what makes a body of its content, a port by its name."""

    path: str
    make: Callable[[bytes], Body]
    port: str = "rest"


@dataclass(frozen=True, slots=True)
class Server:
    """One row of the comparison; `commands` are its processes, `{rest}` and such free ports."""

    name: str
    commands: tuple[str, ...]
    face: Ask
    picture: Ask
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """What everybody is asked for, as which of a server's two, and how near to ours is right."""

    content: bytes
    ask: str
    near: float  # pixels


def make_works() -> dict[str, Work]:
    """Make what is asked for: a crop, a webcam's picture and a phone's, each of one face."""
    face = np.load("predictor/golden_face.npy").astype(np.uint8).tobytes()  # [1,1,96,96]
    small, large = (make_portrait(*size).content for size in ((640, 480), (4000, 3000)))
    return {
        "picture": Work(small, "picture", 6),
        "12 megapixels": Work(large, "picture", 6 * 4000 / 640),
        "face": Work(face, "face", 6),
    }


def write_json(content: object) -> Body:
    return json.dumps(content).encode(), JSON, ""


def write_text(name: str) -> Callable[[bytes], Body]:
    """Make what writes a body in base64 as a member of JSON."""
    return lambda content: write_json({name: base64.b64encode(content).decode()})


def write_binary(name: str, datatype: str, shape: list[int], raw: bytes) -> Body:
    """Write one tensor as V2's binary extension has it."""
    content, headers = pack_tensor(name, datatype, shape, raw)
    return content, RAW, "".join(f"{key}: {value}\r\n" for key, value in headers.items())


def binary_face(face: bytes) -> Body:
    return write_binary("face", "UINT8", [1, 1, 96, 96], face)


def json_face(face: bytes) -> Body:
    pixels = np.frombuffer(face, np.uint8).reshape(1, 1, 96, 96)
    return write_json({"inputs": [face_tensor(pixels)]})


def binary_picture(picture: bytes) -> Body:
    return write_binary("image", "BYTES", [1, 1], pack_strings([picture]))


def base64_picture(picture: bytes) -> Body:
    tensor = image_tensor(picture) | {"parameters": {"content_type": "base64"}}
    return write_json({"inputs": [tensor]})


def raw_face(face: bytes) -> Body:
    return face, RAW, ""


def jpeg(picture: bytes) -> Body:
    return picture, "image/jpeg", ""


INFER = "/v2/models/{}/infer"
OURS, FACE, PICTURE = (INFER.format(name) for name in ("unet", "face", "picture"))
PREDICTOR = f"{IMAGES}/predictor/bin/python -m predictor"
TRANSFORMER, ONE = (
    f"{IMAGES}/transformer/bin/python -m {name} --http_port={{rest}} --grpc_port={{grpc}}"
    for name in ("transformer", "standalone")
)
TWO = (
    f"{PREDICTOR} --http_port={{predictor_rest}} --grpc_port={{predictor_grpc}}",
    f"{TRANSFORMER} --predictor_host=127.0.0.1:{{predictor_grpc}}",
)
FASTAPI = "bin/python -m uvicorn bench.peers.fastapi_app:app --port={rest} --no-access-log"
LITSERVE = f"{OUT}/litserve/bin/python -m bench.peers.litserve_app {{rest}}"
MLSERVER = f"{OUT}/mlserver/bin/mlserver start {OUT}/mlserver-models"
PYTRITON = f"{OUT}/pytriton/bin/python -m bench.peers.pytriton_app {{rest}} {{grpc}} {{metrics}}"
ASKS = Ask(OURS, binary_face), Ask(OURS, jpeg)
PLAIN = Ask("/faces", raw_face), Ask("/picture", jpeg)
FAST = {"LANDMARKS_MODEL": "models/student_unet.pth", "LANDMARKS_DETECT": "fast"}
MLSERVER_PORTS = {f"MLSERVER_{n}_PORT": f"{{{p}}}" for n, p in (("HTTP", "rest"), ("GRPC", "grpc"))}
SERVERS = (
    Server("ours", TWO, Ask(OURS, binary_face, "predictor_rest"), ASKS[1], QUIET),
    Server("ours-one", (ONE,), *ASKS, QUIET),
    Server("ours-fast", (ONE,), *ASKS, {**QUIET, **FAST}),
    Server("fastapi", (f"{OUT}/fastapi/{FASTAPI}",), *PLAIN),
    Server("fastapi-user", (f"{OUT}/fastapi/{FASTAPI}",), *PLAIN, {"PEERS_PIPELINE": "user"}),
    Server(
        "litserve",
        (LITSERVE,),
        Ask("/faces", write_text("faces")),
        Ask("/picture", write_text("picture")),
    ),
    Server(
        "mlserver",
        (MLSERVER,),
        Ask(FACE, json_face),
        Ask(PICTURE, base64_picture),
        {**MLSERVER_PORTS, "MLSERVER_METRICS_PORT": "{metrics}"},
    ),
    Server("pytriton", (PYTRITON,), Ask(FACE, binary_face), Ask(PICTURE, binary_picture)),
)
