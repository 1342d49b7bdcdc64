"""Data folders of any points and sizes are read, and what is wrong is named."""

import csv
from pathlib import Path

import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from tests.training.made import NAMES, make_folder, make_set
from training.boxes import BoxFinder, Detector
from training.faces import Frame, choose_landmarks, cut_inputs, read_faces
from training.index import DataError, find_names, hold_out, read_picture, read_rows, read_table


@pytest.mark.parametrize("box", [True, False], ids=["with boxes", "about the points"])
def test_photographs_become_inputs_whose_points_are_where_they_look(tmp_path, monkeypatch, box):
    monkeypatch.setenv("LANDMARKS_DETECTOR", str(tmp_path / "none.onnx"))
    faces = read_faces(read_rows([make_folder(tmp_path / "mine", box=box)]), make_set(96))
    inputs = cut_inputs(faces)
    assert inputs.shape == (12, 1, 96, 96) and faces.points.shape == (12, 4, 2)
    places = faces.frame.to_input(faces.points)
    for face, points in zip(inputs[:, 0], places, strict=True):
        for x, y in points.round().astype(int).tolist():
            assert face[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].max() > 180


def test_a_landmark_set_is_read_off_the_columns(tmp_path: Path):
    rows = read_rows([make_folder(tmp_path)])
    found = choose_landmarks(None, rows, 48)
    assert find_names(rows) == found.points == NAMES
    assert (found.mirror, found.unit, found.side) == ((NAMES[:2],), NAMES[:2], 48)
    assert choose_landmarks(Path("models/simple_unet.pth"), rows, 48) == DEFAULT


def test_a_tenth_is_held_out_unless_some_are_named(tmp_path: Path):
    rows = read_rows([make_folder(tmp_path / "plain", 30)])
    hold_out(rows)
    again = read_rows([tmp_path / "plain"])
    hold_out(again)
    held = [row["path"] for _, row in rows if row["part"] == "val"]
    assert len(held) == 3 and held == [row["path"] for _, row in again if row["part"] == "val"]
    rows[:0] = read_rows([make_folder(tmp_path / "own", 2, part="val")])
    hold_out(rows)
    assert sum(row["part"] == "val" for _, row in rows) == 5


def test_frames_agree(tmp_path: Path):
    for side in (32, 96, 112):
        frame = Frame(make_set(side))
        edges = np.array([[frame.face / 2 - 0.5] * 2, [1.5 * frame.face - 0.5] * 2])
        np.testing.assert_allclose(frame.to_input(edges), [[-0.5] * 2, [side - 0.5] * 2])
        np.testing.assert_allclose(frame.to_crop(frame.to_input(edges)), edges)


def test_crops_of_the_older_layout_have_their_face_in_the_middle():
    row = {"path": "x", "yunet_nose_tip_x": "1"}
    box = BoxFinder().find(np.zeros((256, 256, 3), np.uint8), row, np.zeros((0, 2)))
    np.testing.assert_allclose(box, [128 - 56.64] * 2 + [128 + 56.64] * 2, atol=0.01)


def test_the_service_s_detector_finds_the_box_that_no_column_has(astronaut: bytes, tmp_path: Path):
    try:
        Detector()
    except DataError as error:
        pytest.skip(str(error))
    (tmp_path / "a.jpg").write_bytes(astronaut)
    picture = read_picture(tmp_path / "a.jpg")
    finder, eyes = BoxFinder(), np.array([[205.0, 112], [245, 112]])
    box = finder.find(picture, {"path": "astronaut.jpg"}, eyes)
    assert (box[:2] < eyes.min(0)).all() and (box[2:] > eyes.max(0)).all()
    assert finder.found == {"the detector": 1}


def spoil(folder: Path, column: str, value: str) -> None:
    rows = list(csv.DictReader((folder / "index.csv").open()))
    rows[0][column] = value
    with (folder / "index.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("chin_x", "ten", "row of 0.png has no number"),
        ("chin_x", "90000", "0.png has a point far outside"),
        ("path", "", "a row without a path"),
        ("path", "gone.png", "gone.png is not a picture"),
        ("box_x0", "left", "row of 0.png has no number for its box"),
    ],
)
def test_what_is_wrong_in_a_folder_is_named(tmp_path: Path, column: str, value: str, says: str):
    spoil(make_folder(tmp_path), column, value)
    with pytest.raises(DataError, match=says):
        read_faces(read_rows([tmp_path]), make_set())


def test_a_folder_without_an_index_or_with_other_points_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"has no index\.csv.*make label PICTURES="):
        read_rows([tmp_path])
    rows, words = read_rows([make_folder(tmp_path)]), "center .*columns of left_ear, right_ear"
    with pytest.raises(DataError, match=f"labels of left_eye_{words}"):
        read_faces(rows, DEFAULT)


def test_every_picture_has_its_hash_licence_and_source() -> None:
    rows = read_table(Path("models/training_data.csv"))
    assert len({row["path"] for row in rows}) == len(rows) == 1929
    assert all(len(row["sha256"]) == 64 and row["licence"] and row["source"] for row in rows)
    assert not [row["path"] for row in rows if row["path"].startswith(("helen", "canada"))]
