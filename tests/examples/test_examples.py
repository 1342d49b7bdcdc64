"""The programs and manifests of examples/, each run once against a real service."""

import json
import os

import cv2
import numpy as np
import pandas
import pytest
import yaml

from client import locate
from tests.helm.conftest import needs_helm, render_service
from tests.support import environment as environments
from tools.processes import ROOT

EXAMPLES = ROOT / "examples"
PICTURE = ROOT / "tests/assets/astronaut.jpg"


def run(*words: object, url: str = "") -> list[str]:
    environment = os.environ | {"LANDMARKS_URL": url}
    return environments.run("python", "-m", *words, env=environment).splitlines()


def test_a_network_of_ones_own_is_converted(tmp_path, monkeypatch):
    text = (EXAMPLES / "own_network.py").read_text().replace("out/mine", str(tmp_path / "mine"))
    monkeypatch.chdir(ROOT)
    exec(compile(text, "own_network.py", "exec"), {})
    run("predictor.convert", tmp_path / "mine")
    (manifest,) = tmp_path.glob("mine/converted/manifest.json")
    assert len(json.loads(manifest.read_text())["golden"]) == 15


def test_a_camera_is_followed(transformer, tmp_path):
    picture = np.asarray(cv2.imread(str(PICTURE)))  # [H,W,3]
    film = str(tmp_path / "film.avi")
    video = cv2.VideoWriter(film, cv2.VideoWriter.fourcc(*"MJPG"), 5, (512, 512))
    for shift in range(6):  # to the right, 4 pixels a frame
        video.write(np.roll(picture, 4 * shift, axis=1))
    video.release()
    lines = run("examples.webcam", film, url=transformer.url)
    assert [line.rsplit(" nose", 1)[0] for line in lines] == [f"frame {n} face 0" for n in range(6)]
    noses = [float(line.split()[-2]) for line in lines]
    assert noses == sorted(noses) and 10 < noses[-1] - noses[0] < 22


@pytest.mark.parametrize("kind", ["parquet", "ndjson"])
def test_a_folder_becomes_a_table(transformer, tmp_path, kind):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).symlink_to(PICTURE)
    run("examples.folder_to_parquet", tmp_path, tmp_path / f"out.{kind}", url=transformer.url)
    (face,) = locate(PICTURE, transformer.url)
    if kind == "parquet":
        table = pandas.read_parquet(tmp_path / "out.parquet")
        assert len(table) == 30
        assert table["x"].tolist() == [point.x for point in face.points] * 2
    else:
        lines = (tmp_path / "out.ndjson").read_text().splitlines()
        assert [len(json.loads(line)["faces"]) for line in lines] == [1, 1]


def test_a_recogniser_gets_eyes_and_mouth_where_it_was_trained_with_them(transformer, tmp_path):
    run("examples.recogniser_input", PICTURE, tmp_path / "in.npy", url=transformer.url)
    (face,) = np.load(tmp_path / "in.npy")  # [3,112,112]
    assert face.min() >= -1 and face.max() <= 1
    pixels = (face.transpose(1, 2, 0)[:, :, ::-1] * 127.5 + 127.5).astype(np.uint8)
    large = cv2.copyMakeBorder(cv2.resize(pixels, (448, 448)), 96, 96, 96, 96, cv2.BORDER_REPLICATE)
    (seen,) = locate(cv2.imencode(".png", large)[1].tobytes(), transformer.url)
    for name, place in (("right_eye_center", (38.3, 51.7)), ("left_eye_center", (73.5, 51.5))):
        found = [(seen[name].x - 96) / 4, (seen[name].y - 96) / 4]
        assert np.abs(np.subtract(found, place)).max() < 4, name


@needs_helm
def test_a_canary_is_a_second_network_for_a_tenth_of_the_traffic():
    values = yaml.safe_load((EXAMPLES / "canary.yaml").read_text())
    before, after = render_service(), render_service(given=values)
    assert after["spec"]["predictor"]["canaryTrafficPercent"] == 10
    assert "s3://models/next" in json.dumps(after["spec"]["predictor"])
    assert after["spec"]["transformer"] == before["spec"]["transformer"]  # it sends to both


def test_a_graph_splits_all_requests():
    graph = yaml.safe_load((EXAMPLES / "inference_graph.yaml").read_text())
    (root,) = graph["spec"]["nodes"].values()
    assert graph["kind"] == "InferenceGraph" and root["routerType"] == "Splitter"
    assert sum(step["weight"] for step in root["steps"]) == 100
    assert [step["serviceName"] for step in root["steps"]] == ["landmarks", "landmarks-next"]
