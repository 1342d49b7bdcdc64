"""One table of engines: what a new row takes, and what `auto` makes of the table."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from predictor.engines import ENGINES, choice, load_engine
from predictor.engines.golden import load_face
from predictor.engines.registry import NARROW, EngineKind
from predictor.export.artifact import export_artifact
from predictor.settings import PredictorSettings
from predictor.unet import UNet

# An engine as somebody might add it: its file and its row are all there is of it.
TOY_FILE = """
import numpy as np
import onnxruntime
from predictor.engines.base import Engine, scale_faces

class ToyEngine(Engine):
    def __init__(self, name, model, logits, threads=0, max_batch=8):
        self.name, self.logits, self.max_batch = name, logits, max_batch
        source = model if isinstance(model, bytes) else str(model)
        self.session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])

    def run(self, faces):
        return np.asarray(self.session.run(["heatmaps"], {"face": scale_faces(faces)})[0])
"""
TOY_ROW = EngineKind(
    name="toy",
    engine="toy_engine:ToyEngine",
    source="either",
    package="onnxruntime",
    writer="predictor.export.writers:write_onnx",
    why="a test has added it",
    x_eager={"any": 99.0},
)
AMX = frozenset({"amx_int8", "amx_bf16", "avx512_vnni", "avx512_bf16"})
VNNI = frozenset({"avx512_vnni", "avx512_bf16"})
LEDGERS = {"bench/results/xeon-amx/ledger.csv": AMX, "bench/results/epyc/ledger.csv": VNNI}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a checkpoint, and an engine beside those of the table."""
    (tmp_path / "toy_engine.py").write_text(TOY_FILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(ENGINES, "toy", TOY_ROW)
    torch.manual_seed(0)
    torch.save(UNet(base_width=8).state_dict(), tmp_path / "tiny.pth")
    return tmp_path


def test_an_engine_is_its_file_and_its_row(toy: Path):
    """Exported, loaded from the artifact and from the checkpoint, and taken by `auto`."""
    pytest.importorskip("onnxruntime")
    checkpoint = toy / "tiny.pth"
    wanted = load_engine("eager", checkpoint).predict(load_face(96))[0]
    assert load_engine("toy", checkpoint).name == "toy"
    manifest = export_artifact(checkpoint, TOY_ROW, toy / "made", None, tune=True)
    assert manifest.engine == "toy" and list(manifest.versions) == ["onnxruntime"]
    engine = load_engine("auto", checkpoint)
    assert engine.why == "toy: a test has added it."
    assert np.abs(engine.predict(load_face(96))[0] - wanted).max() < 0.01


def read_ledger(path: str, network: str) -> dict[str, tuple[float, float]]:
    """Read how the table's engines did for one face: milliseconds, and times as fast as eager."""
    with Path(path).open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["batch"] == "1" and r["network"] == network]
    return {
        row["engine"]: (float(row["ms_median"]), float(row["x_eager"]))
        for row in rows
        if row["engine"] in ENGINES
    }


@pytest.mark.parametrize("network", ["width 32", "width 64", "student"])
@pytest.mark.parametrize("path", LEDGERS)
def test_auto_ranks_engines_as_the_ledger_of_such_hardware_does(path, network, monkeypatch):
    measured = read_ledger(path, network)
    assert len(measured) >= 3
    monkeypatch.setattr(choice, "list_hardware", lambda: LEDGERS[path])
    ranked = [name for name, _ in choice.rank_engines(narrow=network == "student")]
    assert [n for n in ranked if n in measured] == sorted(measured, key=lambda n: measured[n][0])


@pytest.mark.parametrize("path", LEDGERS)
def test_the_tables_figures_are_the_ledgers(path):
    cpu = "amx" if LEDGERS[path] is AMX else "vnni"
    for network, key in (("width 32", cpu), ("student", f"{cpu} narrow")):
        for name, (_, measured) in read_ledger(path, network).items():
            row = ENGINES[name].x_eager
            if key in row:
                assert row[key] == pytest.approx(measured, rel=0.2), name
            elif "any" in row:
                assert row["any"] < 1.1 * measured, name


def test_an_artifact_tells_that_its_network_is_narrow(monkeypatch):
    """With AMX a narrow network was faster in bf16, the wider one in int8."""
    monkeypatch.setattr(choice, "list_hardware", lambda: AMX)
    first = []
    for width in (NARROW, 32):
        made = [(Path("models"), {"width": width})]
        monkeypatch.setattr(choice, "list_artifacts", lambda checkpoint, artifact, made=made: made)
        narrow = choice.is_narrow(Path("models/simple_unet.pth"), None)
        first.append(choice.rank_engines(narrow)[0])
    assert first == [
        ("openvino-bf16", "the CPU multiplies bf16"),
        ("openvino-int8", "the CPU multiplies bytes and an int8 artifact is there"),
    ]


def test_the_shipped_student_is_ranked_as_the_student():
    models = Path("models")
    assert choice.is_narrow(models / "student_unet.pth", None)
    assert not choice.is_narrow(models / "simple_unet.pth", None)


def test_what_has_never_run_is_no_first_choice_and_says_so(monkeypatch, caplog):
    monkeypatch.setattr(choice, "list_hardware", lambda: AMX | {"nvidia"})
    ranked = choice.rank_engines()
    assert ("cuda", "there is an NVIDIA GPU") in ranked
    measured = [name for name, _ in ranked if ENGINES[name].x_eager]
    assert [name for name, _ in ranked][: len(measured)] == measured
    monkeypatch.setattr(choice, "load", lambda kind, *_: object())
    choice.load_named(ENGINES["cuda"], Path("none.pth"), None, 0)
    assert "cuda is experimental: it has never run" in caplog.text


def test_the_setting_offers_what_serves():
    about = PredictorSettings.model_fields["engine"].description or ""
    assert all(name in about for name in ("auto", *ENGINES)) and "cuda (experimental)" in about
