"""The table of servers: how each is started, and where and how it is asked."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.dataplane.run import IMAGES, QUIET
from tools.processes import ROOT

OUT = ROOT / "out/peers"
APPS = "bench.peers.servers"
Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Where a workload goes: a port by its name, a path, and a form of bodies."""

    form: str  # a function of bench/peers/bodies.py
    path: str = ""
    port: str = "rest"
    model: str = "unet"


@dataclass(frozen=True, slots=True)
class Server:
    """One row of the comparison."""

    name: str
    title: str
    commands: tuple[Command, ...]  # each a process; {rest}, {grpc}, ... are free ports
    asks: Mapping[str, Ask]  # workload -> how
    live: str
    part: str = "a"  # of which comparison: a, b, or both
    settings: Mapping[str, str] = field(default_factory=dict)
    package: str = ""  # whose version is told
    missing: str = ""  # why it can't run, in one sentence


def find_python(name: str) -> str:
    return str(OUT / name / "bin/python")


def ask_json(faces: str, picture: Ask, pictures: str) -> dict[str, Ask]:
    """Return the asks of a peer without a protocol of its own: paths of our choice."""
    return {
        "face": Ask("raw", faces),
        "picture": picture,
        "group": picture,
        "pictures": Ask("base64_list", pictures),
    }


def ask_v2(face: Ask, picture: Ask, pictures: Ask, call: Ask | None) -> dict[str, Ask]:
    asks = {"face": face, "picture": picture, "group": picture, "pictures": pictures}
    return asks | ({"face-grpc": call} if call else {})


INFER = "/v2/models/{}/infer"
OURS_ONE = ask_v2(
    Ask("v2_binary_face", INFER.format("unet")),
    Ask("jpeg", INFER.format("unet")),
    Ask("v2_base64", INFER.format("unet")),
    Ask("grpc", port="grpc"),
)
OURS_TWO = OURS_ONE | {
    "face": Ask("v2_binary_face", INFER.format("unet"), "predictor_rest"),
    "face-grpc": Ask("grpc", port="predictor_grpc"),
}
# Ours run as they ship.
IN_PREDICTOR = (str(IMAGES / "predictor/bin/python"), "-m")
IN_TRANSFORMER = (str(IMAGES / "transformer/bin/python"), "-m")
PREDICTOR: Command = (
    *(*IN_PREDICTOR, "predictor"),
    *("--http_port={predictor_rest}", "--grpc_port={predictor_grpc}"),
)
TRANSFORMER: Command = (
    *(*IN_TRANSFORMER, "transformer", "--http_port={rest}", "--grpc_port={grpc}"),
    "--predictor_host=127.0.0.1:{predictor_grpc}",
)
ONE: Command = (*IN_TRANSFORMER, "standalone", "--http_port={rest}", "--grpc_port={grpc}")
OURS = (sys.executable, "-m")
STOCK_PREDICTOR: Command = (
    *(*OURS, "bench.dataplane.stock.predictor", "--model_name=unet"),
    *("--http_port={predictor_rest}", "--grpc_port={predictor_grpc}"),
)
STOCK_TRANSFORMER: Command = (
    *(*OURS, "bench.dataplane.stock.transformer", "--http_port={rest}", "--grpc_port={grpc}"),
    *("--predictor_host=127.0.0.1:{predictor_rest}", "--predictor_protocol=v2"),
    "--model_name=unet",
)
FAST = QUIET | {"LANDMARKS_MODEL": "models/student_unet.pth", "LANDMARKS_FIRST_LOOK": "320"}
USER = {"PEERS_PIPELINE": "user"}


def run_fastapi(name: str, title: str, part: str, settings: Mapping[str, str] = {}) -> Server:
    python = find_python("fastapi")
    command = (
        python,
        "-m",
        "uvicorn",
        f"{APPS}.fastapi_app:app",
        "--port={rest}",
        "--no-access-log",
    )
    asks = ask_json("/faces", Ask("jpeg", "/picture"), "/pictures")
    return Server(name, title, (command,), asks, "/health", part, settings, "fastapi")


def run_litserve(name: str, title: str, part: str, settings: Mapping[str, str] = {}) -> Server:
    command = (find_python("litserve"), "-m", f"{APPS}.litserve_app", "{rest}")
    asks = ask_json("/faces", Ask("base64_list", "/pictures"), "/pictures")
    asks["face"] = Ask("base64_face", "/faces")
    return Server(name, title, (command,), asks, "/health", part, settings, "litserve")


MLSERVER = Server(
    "mlserver",
    "MLServer",
    ((str(OUT / "mlserver/bin/mlserver"), "start", str(OUT / "mlserver-models")),),
    ask_v2(
        Ask("v2_json_face", INFER.format("face")),
        Ask("v2_base64", INFER.format("picture")),
        Ask("v2_base64", INFER.format("picture")),
        Ask("grpc", port="grpc", model="face"),
    ),
    "/v2/health/live",
    package="mlserver",
    settings={
        "MLSERVER_HTTP_PORT": "{rest}",
        "MLSERVER_GRPC_PORT": "{grpc}",
        "MLSERVER_METRICS_PORT": "{metrics}",
    },
)
PYTRITON = Server(
    "pytriton",
    "pytriton",
    ((find_python("pytriton"), "-m", f"{APPS}.pytriton_app", "{rest}", "{grpc}", "{metrics}"),),
    ask_v2(
        Ask("v2_binary_face", INFER.format("face")),
        Ask("v2_binary_rows", INFER.format("picture")),
        Ask("v2_binary_rows", INFER.format("picture")),
        Ask("grpc", port="grpc", model="face"),
    ),
    "/v2/health/live",
    package="nvidia-pytriton",
)
BENTOML = Server(
    "bentoml",
    "BentoML",
    (
        (
            *(str(OUT / "bentoml/bin/bentoml"), "serve", f"{APPS}.bentoml_app:Landmarks"),
            *("--port={rest}", "--host=127.0.0.1"),
        ),
    ),
    ask_json("/faces", Ask("base64_list", "/pictures"), "/pictures")
    | {"face": Ask("json_faces", "/faces")},
    "/livez",
    package="bentoml",
    settings={"BENTOML_DO_NOT_TRACK": "true"},
)
RAYSERVE = Server(
    "rayserve",
    "Ray Serve",
    ((find_python("rayserve"), "-m", f"{APPS}.rayserve_app", "{rest}"),),
    ask_json("/faces", Ask("jpeg", "/pictures"), "/pictures"),
    "/-/healthz",
    package="ray",
    settings={"RAY_USAGE_STATS_ENABLED": "0", "RAY_SERVE_LOG_TO_STDERR": "0"},
)
STOCK = Server(
    "stock",
    "stock KServe, its samples' code (eager torch, JSON)",
    (STOCK_PREDICTOR, STOCK_TRANSFORMER),
    {name: Ask("v2_base64", INFER.format("unet")) for name in ("picture", "group")},
    "/v2/health/live",
    "b",
    package="kserve",
)
SERVERS = (
    Server(
        "ours",
        "ours, two services",
        (PREDICTOR, TRANSFORMER),
        OURS_TWO,
        "/v2/health/live",
        "both",
        QUIET,
    ),
    Server("ours-one", "ours, one process", (ONE,), OURS_ONE, "/v2/health/live", "both", QUIET),
    run_fastapi("fastapi", "FastAPI", "a"),
    run_litserve("litserve", "LitServe", "a"),
    MLSERVER,
    PYTRITON,
    BENTOML,
    RAYSERVE,
    Server(
        "ours-fast",
        "ours, one process, fast (student, first look at 320)",
        (ONE,),
        OURS_ONE,
        "/v2/health/live",
        "b",
        FAST,
    ),
    run_fastapi("fastapi-user", "FastAPI, cv2 and ONNX Runtime", "b", settings=USER),
    run_litserve("litserve-user", "LitServe, cv2 and ONNX Runtime", "b", settings=USER),
    STOCK,
)


def write_mlserver_models(folder: Path = OUT / "mlserver-models") -> None:
    """Write the settings that MLServer reads: one folder a model, batching on for faces."""
    shared = {"parameters": {"version": "1"}}
    models: dict[str, dict[str, object]] = {
        "face": {"implementation": f"{APPS}.mlserver_app.Faces", "max_batch_size": 16},
        "picture": {"implementation": f"{APPS}.mlserver_app.Pictures"},
    }
    models["face"]["max_batch_time"] = 0.002
    for name, model in models.items():
        place = folder / name / "model-settings.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({"name": name, **model, **shared}))
    workers = len(os.sched_getaffinity(0))
    settings = {"debug": False, "parallel_workers": workers, "metrics_dir": str(folder / "metrics")}
    (folder / "settings.json").write_text(json.dumps(settings))
