"""The table of servers: how each is started, and how it is asked for a face and for pictures."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.dataplane.run import IMAGES, QUIET, make_jpeg
from tools.processes import ROOT
from tools.v2_json import face_tensor, image_tensor, pack_strings, pack_tensor

OUT = ROOT / "out/peers"
APPS = "bench.peers.servers"
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
    commands: tuple[tuple[str, ...], ...]
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
    small, large = make_jpeg(), make_jpeg(4000, 3000)
    return {
        "picture": Work(small, "picture", 6),
        "12 megapixels": Work(large, "picture", 6 * 4000 / 640),
        "face": Work(face, "face", 6),
    }


def write_json(content: object) -> Body:
    return json.dumps(content).encode(), JSON, ""


def write_binary(name: str, datatype: str, shape: list[int], raw: bytes) -> Body:
    """Write one tensor as V2's binary extension has it."""
    content, headers = pack_tensor(name, datatype, shape, raw)
    return content, RAW, "".join(f"{key}: {value}\r\n" for key, value in headers.items())


def encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def infer(model: str) -> str:
    return f"/v2/models/{model}/infer"


def raw_face(face: bytes) -> Body:
    return face, RAW, ""


def binary_face(face: bytes) -> Body:
    return write_binary("face", "UINT8", [1, 1, 96, 96], face)


def json_face(face: bytes) -> Body:
    pixels = np.frombuffer(face, np.uint8).reshape(1, 1, 96, 96)
    return write_json({"inputs": [face_tensor(pixels)]})


def binary_picture(picture: bytes) -> Body:
    return write_binary("image", "BYTES", [1, 1], pack_strings([picture]))


def jpeg(picture: bytes) -> Body:
    return picture, "image/jpeg", ""


def base64_picture(picture: bytes) -> Body:
    tensor = image_tensor(picture) | {"parameters": {"content_type": "base64"}}
    return write_json({"inputs": [tensor]})


def find_program(name: str, program: str = "python") -> str:
    return str(OUT / name / "bin" / program)


def run_fastapi(name: str, **settings: str) -> Server:
    command = (find_program("fastapi"), "-m", "uvicorn", f"{APPS}.fastapi_app:app")
    words = ("--port={rest}", "--no-access-log")
    face, picture = Ask("/faces", raw_face), Ask("/picture", jpeg)
    return Server(name, ((*command, *words),), face, picture, settings)


IN_PREDICTOR, IN_TRANSFORMER = (
    str(IMAGES / n / "bin/python") for n in ("predictor", "transformer")
)
REST = "--http_port={rest}", "--grpc_port={grpc}"
BEHIND = "--http_port={predictor_rest}", "--grpc_port={predictor_grpc}"
OURS = infer("unet")
PREDICTOR = (IN_PREDICTOR, "-m", "predictor", *BEHIND)
TRANSFORMER = (
    IN_TRANSFORMER,
    "-m",
    "transformer",
    *REST,
    "--predictor_host=127.0.0.1:{predictor_grpc}",
)
ONE = (IN_TRANSFORMER, "-m", "standalone", *REST)
FAST = {"LANDMARKS_MODEL": "models/student_unet.pth", "LANDMARKS_DETECT": "fast"}
SERVERS = (
    Server(
        "ours",
        (PREDICTOR, TRANSFORMER),
        Ask(OURS, binary_face, "predictor_rest"),
        Ask(OURS, jpeg),
        QUIET,
    ),
    Server("ours-one", (ONE,), Ask(OURS, binary_face), Ask(OURS, jpeg), QUIET),
    Server("ours-fast", (ONE,), Ask(OURS, binary_face), Ask(OURS, jpeg), {**QUIET, **FAST}),
    run_fastapi("fastapi"),
    run_fastapi("fastapi-user", PEERS_PIPELINE="user"),
    Server(
        "litserve",
        ((find_program("litserve"), "-m", f"{APPS}.litserve_app", "{rest}"),),
        Ask("/faces", lambda face: write_json({"faces": encode(face)})),
        Ask("/picture", lambda picture: write_json({"picture": encode(picture)})),
    ),
    Server(
        "mlserver",
        ((find_program("mlserver", "mlserver"), "start", str(OUT / "mlserver-models")),),
        Ask(infer("face"), json_face),
        Ask(infer("picture"), base64_picture),
        {
            "MLSERVER_HTTP_PORT": "{rest}",
            "MLSERVER_GRPC_PORT": "{grpc}",
            "MLSERVER_METRICS_PORT": "{metrics}",
        },
    ),
    Server(
        "pytriton",
        (
            (
                find_program("pytriton"),
                "-m",
                f"{APPS}.pytriton_app",
                "{rest}",
                "{grpc}",
                "{metrics}",
            ),
        ),
        Ask(infer("face"), binary_face),
        Ask(infer("picture"), binary_picture),
    ),
)
