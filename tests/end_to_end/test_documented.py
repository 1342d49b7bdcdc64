"""What the pages, the notebook, examples/ and our OpenAPI description say is so."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pandas
import pytest
import yaml
from nbclient import NotebookClient

from client import locate
from tests.helm.conftest import needs_helm, render_service
from tests.support.environment import COUNTS, SOAK, make_environment, run
from tests.tools.test_readme import SHELL
from tools.processes import ROOT

EXAMPLES, PICTURE = ROOT / "examples", ROOT / "tests/assets/astronaut.jpg"
ASKS = ("curl ", "python -m client ")
BLOCKS = [
    block
    for block in SHELL
    if block.values[0] in ("README.md", "docs/api.md", "docs/clients.md")
    and any(ask in block.values[1] for ask in ASKS)
]
assert len(BLOCKS) > 5


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize(("page", "block"), BLOCKS)
def test_a_block_is_answered(page, block, predictor, transformer, tmp_path):
    for written, here in {
        "127.0.0.1:8080": f"127.0.0.1:{transformer.rest}",
        "127.0.0.1:8081": f"127.0.0.1:{transformer.grpc}",
        "127.0.0.1:8082": f"127.0.0.1:{predictor.rest}",
        ".venv/bin/python": sys.executable,
        "-m client ": f"-m client --url http://127.0.0.1:{transformer.rest} ",
        "/tmp/": f"{tmp_path}/",
        " out/": f" {tmp_path}/",
        "curl ": "curl --fail-with-body --silent --show-error --noproxy '*' ",
    }.items():
        block = block.replace(written, here)
    told = run("bash", "-euo", "pipefail", input=block)
    assert "landmarks" in told or "nose_tip" in told


NOTEBOOK = ROOT / "docs/landmarks.ipynb"


@pytest.mark.parametrize("folder", ["docs", "."])
def test_the_notebook_runs(transformer, tmp_path: Path, monkeypatch, folder):
    (tmp_path / "landmarks_client").symlink_to(ROOT / "client")  # as pip would install it
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("LANDMARKS_URL", transformer.url)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(NOTEBOOK, 4)
    nbformat.validate(notebook)
    resources = {"metadata": {"path": str(ROOT / folder)}}
    NotebookClient(
        notebook, timeout=120, startup_timeout=180, kernel_name="python3", resources=resources
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    assert "1 face, face_score" in text and "the nose's tip: Point(name='nose_tip'" in text
    assert "512 x 512: the face is" in text
    shown = [kind for output in outputs for kind in output.get("data", {})]
    assert "image/png" in shown and "text/html" in shown


def test_the_notebook_is_kept_without_its_outputs():
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if "outputs" in cell]
    assert not any(cell.outputs or cell.execution_count for cell in cells)


GENERATED = 20 * SOAK  # for each operation, beside those that are the same every time
CHECKS = (
    "no_server_error",  # both are ours, of the file below
    "errors_are_typed_and_short",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
OURS = {"SCHEMATHESIS_HOOKS": str(ROOT / "tests/support/clients/generated_checks.py")}


@pytest.fixture(scope="module")
def schemathesis() -> Path:
    try:
        return make_environment("schemathesis").with_name("schemathesis")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"Schemathesis could not be installed: {error}")


@pytest.mark.parametrize("index", [0, 1], ids=["predictor", "transformer"])
def test_generated_requests_are_answered_as_described(open_services, schemathesis, index, tmp_path):
    service = open_services[index]
    report = tmp_path / "report.json"
    command = [schemathesis, "--no-color", "run", f"{service.url}/openapi.json"]
    command += ["--phases=examples,coverage,fuzzing", f"--max-examples={GENERATED}"]
    command += [f"--checks={','.join(CHECKS)}", "--continue-on-failure", "--request-timeout=30"]
    command += ["--generation-database=none", f"--report-json-path={report}"]
    command += ["--exclude-path-regex=load$"]  # it learns the model's name and unloads it
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | OURS, capture_output=True, text=True, timeout=3600
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    found = json.loads(report.read_text())
    assert found["operations"]["tested"] == found["operations"]["selected"] == 18
    assert found["test_cases"]["generated"] > 500 and not found["errors"]
    COUNTS["REST requests"] += found["test_cases"]["generated"]
    assert service.process.poll() is None
    assert '"code": "internal"' not in service.log.read_text()


def run_module(*words: object, url: str = "") -> list[str]:
    environment = os.environ | {"LANDMARKS_URL": url}
    return run("python", "-m", *words, env=environment).splitlines()


def test_a_network_of_ones_own_is_converted(tmp_path, monkeypatch):
    text = (EXAMPLES / "own_network.py").read_text().replace("out/mine", str(tmp_path / "mine"))
    monkeypatch.chdir(ROOT)
    exec(compile(text, "own_network.py", "exec"), {})
    run_module("predictor.convert", tmp_path / "mine")
    (manifest,) = tmp_path.glob("mine/converted/manifest.json")
    assert len(json.loads(manifest.read_text())["golden"]) == 15


def test_a_camera_is_followed(transformer, tmp_path):
    picture = np.asarray(cv2.imread(str(PICTURE)))  # [H,W,3]
    film = str(tmp_path / "film.avi")
    video = cv2.VideoWriter(film, cv2.VideoWriter.fourcc(*"MJPG"), 5, (512, 512))
    for shift in range(6):  # to the right, 4 pixels a frame
        video.write(np.roll(picture, 4 * shift, axis=1))
    video.release()
    lines = run_module("examples.webcam", film, url=transformer.url)
    assert [line.rsplit(" nose", 1)[0] for line in lines] == [f"frame {n} face 0" for n in range(6)]
    noses = [float(line.split()[-2]) for line in lines]
    assert noses == sorted(noses) and 10 < noses[-1] - noses[0] < 22


@pytest.mark.parametrize("kind", ["parquet", "ndjson"])
def test_a_folder_becomes_a_table(transformer, tmp_path, kind):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).symlink_to(PICTURE)
    run_module(
        "examples.folder_to_parquet", tmp_path, tmp_path / f"out.{kind}", url=transformer.url
    )
    (face,) = locate(PICTURE, transformer.url)
    if kind == "parquet":
        table = pandas.read_parquet(tmp_path / "out.parquet")
        assert len(table) == 30
        assert table["x"].tolist() == [point.x for point in face.points] * 2
    else:
        lines = (tmp_path / "out.ndjson").read_text().splitlines()
        assert [len(json.loads(line)["faces"]) for line in lines] == [1, 1]


def test_a_recogniser_gets_eyes_and_mouth_where_it_was_trained_with_them(transformer, tmp_path):
    run_module("examples.recogniser_input", PICTURE, tmp_path / "in.npy", url=transformer.url)
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
