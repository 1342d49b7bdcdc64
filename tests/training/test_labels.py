"""What a run trains on: label files fill unlabelled faces, and bad ones are named."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.batches import read_labels, read_training_faces
from training.faces import LANDMARKS, YUNET, find_sets, read_faces
from training.shares import SHARES, read_share, share_chances

NAMES = [f"{n}_{a}" for n in (*[f"yunet_{y}" for y in YUNET], *LANDMARKS) for a in "xy"]
POINTS = np.random.default_rng(0).uniform(90, 160, (15, 2)).astype(np.float32)
Row = tuple[str, str, str, bool]  # set, part, path, whether it is labelled


def make_folder(folder: Path, rows: list[Row], side: int = 256) -> Path:
    """Make a data folder of black faces."""
    folder.mkdir(exist_ok=True)
    with open(folder / "index.csv", "w", newline="") as file:
        table = csv.DictWriter(file, ["set", "part", "path", *NAMES], restval="")
        table.writeheader()
        for name, part, path, labelled in rows:
            cv2.imwrite(str(folder / path), np.zeros((side, side, 3), np.uint8))
            values = [100.0] * 10 + (POINTS.ravel().tolist() if labelled else [])
            row = {"set": name, "part": part, "path": path}
            table.writerow(row | dict(zip(NAMES, values, strict=False)))
    return folder


ROWS: list[Row] = [
    ("london", "train", "a.png", True),
    ("london", "val", "b.png", True),
    ("congress", "unlabelled", "c.png", False),
    ("london-3q", "val-unlabelled", "d.png", False),
    ("helen", "eval-only", "e.png", True),
]


def test_only_the_parts_to_train_on_are_read(tmp_path: Path) -> None:
    data = make_folder(tmp_path, ROWS)
    labels = str(tmp_path / "all.npz")
    np.savez(labels, paths=[r[2] for r in ROWS], points=np.stack([POINTS + 1] * len(ROWS)))
    faces, _ = read_training_faces(data, [labels])
    assert sorted(faces.paths) == ["a.png", "c.png"]
    np.testing.assert_allclose(faces.points[faces.paths == "a.png"][0], POINTS)  # by hand
    np.testing.assert_allclose(faces.points[faces.paths == "c.png"][0], POINTS + 1)


def test_folders_and_label_files_add_up(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "one", ROWS[:3])
    two = make_folder(tmp_path / "two", [("mine", "unlabelled", "m.png", False)])
    files = [str(tmp_path / n) for n in ("1.npz", "2.npz")]
    np.savez(files[0], paths=["c.png", "m.png"], points=np.stack([POINTS] * 2))
    np.savez(files[1], paths=["m.png"], points=[POINTS + 3])  # the later file counts
    faces, chance = read_training_faces([one, two], files)
    assert sorted(faces.paths) == ["a.png", "c.png", "m.png"]
    np.testing.assert_allclose(faces.points[faces.paths == "m.png"][0], POINTS + 3)
    assert chance.sum() == pytest.approx(1)


def test_a_set_has_its_share_whatever_its_size(tmp_path: Path) -> None:
    rows: list[Row] = [("london", "train", f"{i}.png", True) for i in range(3)]
    rows.append(("turned", "train", "t.png", True))
    faces = read_faces(make_folder(tmp_path, rows), find_sets(tmp_path, ["train"]))
    chance = share_chances(faces)
    london = chance[faces.sets == "london"].sum()
    assert london / chance[-1] == pytest.approx(SHARES["london"] / SHARES["turned"])
    given = SHARES | dict([read_share("london=0.6"), read_share("turned=0.2")])
    assert share_chances(faces, given)[-1] == pytest.approx(0.25)


@pytest.mark.parametrize("text", ["london", "=0.2", "london=", "london=0", "london=2", "a=nan"])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_share(text)


@pytest.mark.parametrize(
    "points, says",
    [
        (np.full((15, 2), np.nan, np.float32), ""),
        (np.full((15, 2), 120, np.float32), "on one spot"),
        (POINTS + 1000, "far outside"),
        (np.where(np.arange(15)[:, None] < 3, POINTS, np.nan), "3 known points"),
    ],
)
def test_bad_labels_are_named_or_left_out(tmp_path: Path, points, says: str) -> None:
    data, labels = make_folder(tmp_path, ROWS[:3]), str(tmp_path / "l.npz")
    np.savez(labels, paths=["c.png"], points=points[None])
    if not says:
        assert read_training_faces(data, [labels])[0].paths.tolist() == ["a.png"]
        return
    with pytest.raises(ValueError, match=f"c.png.*{says}"):
        read_training_faces(data, [labels])


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    file = str(tmp_path / "wrong.npz")
    np.savez(file, paths=["c.png"])
    with pytest.raises(ValueError, match=r"wrong\.npz lacks the array points"):
        read_labels(file)
    np.savez(file, paths=["c.png"], points=POINTS)
    with pytest.raises(ValueError, match=r"wrong\.npz has points of shape \[15, 2\]"):
        read_labels(file)
    data = make_folder(tmp_path, ROWS[:1], side=64)
    with pytest.raises(ValueError, match=r"a\.png is no crop of 256x256"):
        read_training_faces(data)


def test_a_row_without_numbers_is_named(tmp_path: Path) -> None:
    data = make_folder(tmp_path, ROWS[:1])
    text = (data / "index.csv").read_text().replace("100.0", "ten", 1)
    (data / "index.csv").write_text(text)
    with pytest.raises(ValueError, match=r"row of a\.png"):
        read_training_faces(data)
