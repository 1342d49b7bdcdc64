"""Networks of other points and other faces are exported, served and asked, with no code for them.

One of 68 points on faces of 64x64 and one of 5 points, both of random weights, beside
each other behind one transformer; then the predictor is replaced.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests
import torch

from client import Client, ServiceError, locate
from predictor.convert.artifact import convert
from predictor.engines import Engine, load_engine
from predictor.folder import find_source
from predictor.landmarks import DEFAULT
from predictor.unet import UNet
from serving.landmarks import LandmarkSet
from tests.support.ask import ask_jpeg, ask_rest
from tests.support.load import wait_live
from tools.processes import Service, find_ports, start_service, wait_ready
from tools.v2_json import face_tensor
from transformer.crops.crop import to_picture
from transformer.faces import FaceFinder
from transformer.settings import TransformerSettings

BLANK = cv2.imencode(".jpg", np.full((64, 64, 3), 128, np.uint8))[1].tobytes()
SETS = {
    "sixty-eight": LandmarkSet(
        points=tuple(f"point_{i}" for i in range(68)),
        mirror=tuple((f"point_{i}", f"point_{16 - i}") for i in range(8)),
        unit=("point_36", "point_45"),
        side=64,
        crop_scale=1.4,
    ),
    "five": LandmarkSet(
        points=("left_eye", "right_eye", "nose", "left_mouth", "right_mouth"),
        mirror=(("left_eye", "right_eye"), ("left_mouth", "right_mouth")),
        unit=("left_eye", "right_eye"),
        side=96,
        crop_scale=0.9,
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both checkpoints with their sets, and an artifact of each."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(5)
    for name, landmarks in SETS.items():
        checkpoint = folder / f"{name}.pth"
        torch.save(UNet(base_width=4, n_classes=len(landmarks)).state_dict(), checkpoint)
        checkpoint.with_suffix(".landmarks.json").write_text(json.dumps(landmarks.describe()))
        convert(find_source(checkpoint), folder / name)
    return folder


@pytest.fixture(scope="module")
def engines(folder: Path) -> dict[str, Engine]:
    return {name: load_engine("openvino", folder / f"{name}.pth") for name in SETS}


class Chain:
    """Both services; the predictor may be another one later. The transformer is there first."""

    def __init__(self, logs: Path, folder: Path):
        self.ports, self.logs, self.folder = find_ports(), logs, folder
        at = f"127.0.0.1:{self.ports.predictor_grpc}"
        self.transformer = self.start("transformer", self.ports.rest, self.ports.grpc, predictor=at)

    def start(self, name: str, rest: int, grpc: int, **settings: str) -> Service:
        own = {f"LANDMARKS_{key.upper()}": value for key, value in settings.items()}
        return start_service(name, rest, grpc, self.logs, own | {"LANDMARKS_DRAIN_SECONDS": "0"})

    def start_predictor(self, name: str) -> None:
        rest, grpc = self.ports.predictor_rest, self.ports.predictor_grpc
        model, models = str(self.folder / f"{name}.pth"), str(self.folder)
        own = {"engine": "openvino", "model": model, "models": models}
        self.predictor = self.start("predictor", rest, grpc, **own)

    def ask(self, content: bytes, model: str = "unet") -> dict[str, np.ndarray]:
        return ask_jpeg(self.transformer, content, f"?model={model}")


def read_config(service: Service, model: str = "unet") -> dict:
    return requests.get(f"{service.url}/v2/models/{model}/config", timeout=5).json()


@pytest.fixture(scope="module")
def chain(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The transformer knows no landmarks yet, and then a predictor comes."""
    with contextlib.ExitStack() as running:
        chain = Chain(tmp_path_factory.mktemp("logs"), folder)
        running.callback(chain.transformer.stop)
        wait_live(chain.transformer)
        before = requests.get(f"{chain.transformer.url}/v2/models/unet", timeout=5).json()
        assert before["outputs"][0]["shape"] == [-1, -1, 2] and "parameters" not in before
        assert requests.get(f"{chain.transformer.url}/v2/health/ready").status_code == 503
        with pytest.raises(ServiceError, match="predictor_unavailable"):
            locate(BLANK, chain.transformer.url)
        chain.start_predictor("sixty-eight")
        running.callback(lambda: chain.predictor.stop())
        for service in (chain.predictor, chain.transformer):
            wait_ready(service)
        yield chain


def find_landmarks(picture: bytes, engine: Engine) -> np.ndarray:
    """Do in this process what both services do: `[F,K,2]`."""
    found = FaceFinder(TransformerSettings()).detect_faces(picture, engine.landmarks)
    assert found.crops.shape == (1, 1, engine.landmarks.side, engine.landmarks.side)
    return to_picture(engine.predict(found.crops)[0], found.squares, engine.landmarks.side)


def check_published(config: dict, landmarks: LandmarkSet) -> None:
    told = {k: json.loads(v["string_value"]) for k, v in config["parameters"].items()}
    assert told.pop("digest")  # of the set as its model has it
    wanted = json.loads(json.dumps(landmarks.describe()))
    assert told == wanted
    shapes = {output["name"]: output["dims"] for output in config["output"]}
    assert shapes["landmarks"][-2:] == [len(landmarks), 2]


@pytest.mark.parametrize("model, name", [("unet", "sixty-eight"), ("five", "five")])
def test_both_sets_are_answered_by_one_transformer(chain, engines, astronaut, model, name):
    landmarks = SETS[name]
    outputs = chain.ask(astronaut, model)
    assert outputs["landmarks"].shape == (1, len(landmarks), 2)
    assert outputs["scores"].shape == (1, len(landmarks))
    wanted = find_landmarks(astronaut, engines[name])
    assert np.abs(outputs["landmarks"] - wanted).max() < 0.05
    assert chain.ask(BLANK, model)["landmarks"].shape == (0, len(landmarks), 2)


def test_a_network_of_other_points_changes_nothing_for_the_default_one(transformer, astronaut):
    assert ask_jpeg(transformer, astronaut)["landmarks"].shape == (1, len(DEFAULT), 2)
    check_published(read_config(transformer), DEFAULT)


def test_the_service_says_what_its_points_are(chain):
    check_published(read_config(chain.transformer), SETS["sixty-eight"])
    check_published(read_config(chain.predictor), SETS["sixty-eight"])
    check_published(read_config(chain.predictor, "five"), SETS["five"])
    for service in (chain.predictor, chain.transformer):
        metadata = requests.get(f"{service.url}/v2/models/unet", timeout=5).json()
        assert metadata["parameters"]["landmarks"]["points"][67] == "point_67"
        assert metadata["outputs"][0]["shape"] == [-1, 68, 2]
        assert "landmarks FP32 [-1, 68, 2]" in requests.get(f"{service.url}/openapi.json").text
    assert metadata["outputs"][1]["shape"] == [-1, 68]


def test_given_faces_of_any_size_get_the_networks_points(chain):
    """Through both services; heatmaps are of the network's own size."""
    face = np.random.default_rng(0).integers(0, 256, (2, 1, 50, 80), np.uint8)
    body = {"inputs": [face_tensor(face)]}
    for service in (chain.predictor, chain.transformer):
        assert ask_rest(service, {"face": face})["landmarks"].shape == (2, 68, 2)
    for model, shape in (("unet", [2, 68, 64, 64]), ("five", [2, 5, 96, 96])):
        url = f"{chain.predictor.url}/v2/models/{model}/infer"
        answer = requests.post(url, json=body | {"outputs": [{"name": "heatmaps"}]}).json()
        assert answer["outputs"][0]["shape"] == shape


def test_a_predictor_of_another_set_in_the_place_of_the_first(chain, engines, astronaut):
    """Who asks again is answered with the new set: names, points and crop."""
    chain.predictor.stop()
    chain.start_predictor("five")
    wait_ready(chain.predictor)
    with Client(chain.transformer.url) as client:  # no readiness was asked meanwhile
        faces = client.locate(astronaut)
    assert [point.name for point in faces[0].points] == list(SETS["five"].points)
    found = np.array([[(point.x, point.y) for point in face.points] for face in faces])
    assert np.abs(found - find_landmarks(astronaut, engines["five"])).max() < 0.05
    check_published(read_config(chain.transformer), SETS["five"])
    assert chain.ask(astronaut, "sixty-eight")["landmarks"].shape == (1, 68, 2)
    assert chain.ask(BLANK)["landmarks"].shape == (0, 5, 2)
