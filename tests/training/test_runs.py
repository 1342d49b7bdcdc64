"""The commands run from end to end on a folder of made-up faces."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from predictor.checkpoint import load_unet
from training import distil, pseudo, train
from training.faces import LANDMARKS, YUNET, Floats, find_sets, read_faces

PARTS = (
    ("london", "train"),
    ("london", "val"),
    ("composite", "train"),
    ("london-smiling", "unlabelled"),
    ("congress", "unlabelled"),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data folder of two faces a part, each with a white spot at (120, 140)."""
    rng = np.random.default_rng(0)
    names = [f"{n}_{a}" for n in (*[f"yunet_{y}" for y in YUNET], *LANDMARKS) for a in "xy"]
    with open(tmp_path / "index.csv", "w", newline="") as file:
        table = csv.DictWriter(file, ["set", "part", "path", *names])
        table.writeheader()
        for part in PARTS * 2:
            path = f"{rng.integers(10**9)}.png"
            picture = np.zeros((256, 256, 3), np.uint8)
            cv2.circle(picture, (120, 140), 4, (255, 255, 255), -1)
            cv2.imwrite(str(tmp_path / path), picture)
            labels: dict[str, object] = {n: rng.uniform(80, 170) for n in names}
            if part[1] == "unlabelled":
                labels |= dict.fromkeys(names[10:], "")
            table.writerow({"set": part[0], "part": part[1], "path": path, **labels})
    return tmp_path


def find_spots(inputs: np.ndarray) -> Floats:
    """Find the white spot of each input, as all 15 landmarks."""
    y, x = np.mgrid[:96, :96]
    light = inputs[:, 0].astype(float)
    spot = np.stack([(x * light).sum((1, 2)), (y * light).sum((1, 2))], -1)
    return np.repeat((spot / light.sum((1, 2))[:, None])[:, None], 15, axis=1)


def test_views_agree_on_the_crops_pixels(data: Path) -> None:
    faces = read_faces(data, [("congress", "unlabelled")])
    seen = pseudo.locate_views(find_spots, faces.pictures, pseudo.draw_views(6, 0))
    assert seen.shape == (8, 2, 15, 2)
    np.testing.assert_allclose(seen, np.broadcast_to([120, 140], seen.shape), atol=0.1)


def test_judgement_of_views() -> None:
    points = np.zeros((4, 1, 15, 2))
    points[:, :, 3], points[:, :, 5] = (50, 0), (0, 0)  # outer eye corners 50 apart
    points[:, :, 8, 0] = np.array([[-1], [1], [-1], [1]])
    _, sd, far = pseudo.judge_faces(points, np.full((1, 5, 2), (3.0, 4.0)))
    assert sd[0, 8] == pytest.approx(1 / 50)
    assert sd.sum() == pytest.approx(1 / 50)
    assert far[0] == pytest.approx(5 / 50)


def test_train_and_distil_write_checkpoints(data: Path) -> None:
    common = ["--data", str(data), "--steps", "2", "--batch", "4", "--threads", "1"]
    labels, large, small = (str(data / n) for n in ("labels.npz", "large.pth", "small.pth"))
    faces = read_faces(data, find_sets(data, ["unlabelled"]))
    points = np.random.default_rng(0).uniform(90, 160, (3, 15, 2))
    np.savez(labels, paths=faces.paths[:3], points=points)
    train.main([*common, "--out", large, "--width", "4", "--labels", labels])
    distil.main([*common, "--out", small, "--width", "2", "--teacher", large])
    assert load_unet(large).base_width == 4 and load_unet(small).base_width == 2
    assert torch.load(small)["outc.conv.weight"].dtype == torch.float16
