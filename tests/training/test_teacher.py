"""The teacher without its weights: where it looks, its mapping, and its judgement."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from tests.training.made import make_folder
from training.index import DataError, find_names, read_rows, take_points, write_rows
from training.teacher.__main__ import label_crop, label_folder
from training.teacher.mapping import COUNT, SHARES, Mapping, Mixer, read_mapping
from training.teacher.mesh import LEFT_OUTER, RIGHT_OUTER, FaceMesh, Region, surround_mesh


def test_missing_weights_are_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("training.teacher.mesh.MESH", tmp_path / "mesh.tflite")
    with pytest.raises(DataError, match=r"mesh\.tflite is missing.*fetch_models mesh"):
        FaceMesh()


def find_spot(inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Stand in for the network: every vertex is the brightest spot, a face where there is one."""
    weight = inputs[0].mean(-1)
    y, x = (weight * np.indices(weight.shape)).sum((1, 2)) / max(weight.sum(), 1e-6) + 0.5
    logit = np.array(1.0 if weight.any() else -1.0)
    return {"Identity": np.tile([x, y, -10.0], COUNT), "Identity_1": logit}


def test_a_look_gives_places_in_the_picture() -> None:
    mesh = FaceMesh.__new__(FaceMesh)
    mesh.network = find_spot
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[78:81, 118:121] = 255  # about (119, 79)
    for angle in (0.0, 0.5, -2.0):
        seen = mesh.look(picture, Region(130, 70, 128, angle))
        assert seen is not None
        np.testing.assert_allclose(seen[0], (119, 79, -5), atol=0.1)
    assert mesh.look(picture, Region(250, 150, 40, 0.0)) is None


def test_regions_follow_the_eyes() -> None:
    mesh = np.random.default_rng(0).uniform(-1, 1, (COUNT, 3)) * (30, 50, 0)
    mesh[[RIGHT_OUTER, LEFT_OUTER]] = (-20, 0, 0), (20, 0, 0)
    mesh[[0, 1, 2, 3]] = (-30, 0, 0), (30, 0, 0), (0, -50, 0), (0, 50, 0)
    turn = np.array([[0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 1]])
    region = surround_mesh(mesh @ turn + (7, 9, 0))
    assert (region.x, region.y, region.side) == pytest.approx((7, 9, 150), abs=1e-6)
    assert region.angle == pytest.approx(np.arcsin(0.6))


def test_the_mapping_is_symmetric_enough_and_sums_to_one() -> None:
    mapping = read_mapping()
    assert mapping.weights.shape == (15, COUNT)
    np.testing.assert_allclose(mapping.weights.sum(1), 1)
    assert np.abs(mapping.weights).sum(1).max() < 1.3  # nothing that a turned head would blow up
    assert [mapping.mirrored[k] for k in mapping.mirrored] == list(range(15))
    assert mapping.names[mapping.mirrored[0]] == "right_eye_center"


def test_a_table_of_other_points_is_read_and_a_broken_one_is_named(tmp_path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("landmark,vertex,weight\nchin,152,1\nlip,13,0.5\nlip,14,0.5\n")
    assert read_mapping(file).names == ("chin", "lip")
    for line, says in (("lip,999,1", "row 5"), ("nose,4,0.5", "nose do not add up")):
        file.write_text(f"landmark,vertex,weight\nchin,152,1\nlip,13,1\nlip,14,0\n{line}\n")
        with pytest.raises(DataError, match=says):
            read_mapping(file)


def test_a_network_s_points_are_mixed_in_by_their_shares(monkeypatch, tmp_path) -> None:
    box, side = np.array([71.36, 71.36, 184.64, 184.64]), DEFAULT.side  # crop: 64 to 192
    seen = np.random.default_rng(0).uniform(20, 76, (2, 15, 2))
    seen[1] = seen[0][list(DEFAULT.mirrored)] * [-1, 1] + [side - 1, 0]
    engine = SimpleNamespace(landmarks=DEFAULT, predict=lambda faces: (seen, np.ones((2, 15))))
    monkeypatch.setattr("training.teacher.mapping.load_engine", lambda *words: engine)
    mixer = Mixer(tmp_path, SHARES, DEFAULT.points)
    own = (seen[0] + 0.5) * 128 / side - 0.5 + 64
    picture = np.zeros((256, 256, 3), np.uint8)
    for turned, brow, nose in ((False, 0.1, 0.3), (True, 0.5, 0.5)):
        points, why = mixer.mix(picture, box, own + 1, turned)
        np.testing.assert_allclose(
            points[[6, 10]] - own[[6, 10]], [[brow] * 2, [nose] * 2], atol=1e-4
        )
        assert not why
    assert mixer.mix(picture, box, own + 40, False)[1] == "the network has other points"
    with pytest.raises(DataError, match="other points than the mapping"):
        Mixer(tmp_path, SHARES, ("chin",))
    table = tmp_path / "shares.csv"
    table.write_text("landmark,frontal,turned\nchin,1,0\n")
    with pytest.raises(DataError, match=r"shares\.csv is not a table.*left_eye_center"):
        Mixer(tmp_path, table, DEFAULT.points)


def test_half_of_a_hand_label_can_be_a_network_s_but_of_no_face_held_out(monkeypatch, tmp_path):
    folder = make_folder(tmp_path / "mine", 2)
    rows = [row for _, row in read_rows([folder])]
    names = find_names(read_rows([folder]))
    before = np.array([take_points(row, names) for row in rows])
    write_rows(folder, [rows[0], rows[1] | {"part": "val"}])
    blind = SimpleNamespace(find=lambda *face: None)
    monkeypatch.setattr("training.teacher.__main__.FaceMesh", lambda: blind)
    mixer: Any = SimpleNamespace(find=lambda *face: before[0] + 4)
    label_folder(folder, Mapping(names, np.eye(len(names), COUNT)), mixer, 0.75)
    after = np.array([take_points(row, names) for _, row in read_rows([folder])])
    np.testing.assert_allclose(after, before + np.array([[[1]], [[0]]]), atol=0.01)


class OneMesh:
    """Stands in for the mesh's network: vertices about a point, the same in the mirror, or not."""

    def __init__(self, at: float, slip: float = 0.0):
        self.at, self.slip, self.looks = at, slip, 0
        self.mesh = np.random.default_rng(0).normal(0, 18, (COUNT, 3))
        self.mesh[[RIGHT_OUTER, LEFT_OUTER, 4]] = (-30, 0, 0), (30, 0, 0), (0, 10, 0)

    def find(self, picture, region):
        self.looks += 1
        if self.looks == 1:
            return self.mesh + np.array([self.at, self.at, 0])
        return self.mesh * (-1, 1, 1) + np.array([255 - self.at + self.slip, self.at, 0])


@pytest.mark.parametrize(
    ("mesh", "why"),
    [
        (OneMesh(128), ""),
        (OneMesh(128, slip=6), "the mirrored view has other points"),
        (OneMesh(200), "the mesh is of another face"),
    ],
)
def test_judgement(mesh, why: str) -> None:
    mapping = Mapping(("chin", "nose_tip"), np.eye(COUNT)[[152, 4]])
    box = np.array([71.0, 71, 185, 185])
    points, _, said = label_crop(mesh, mapping, np.zeros((256, 256, 3), np.uint8), box)
    assert said == why
    if not why:
        np.testing.assert_allclose(points, mesh.mesh[[152, 4], :2] + 128, atol=1e-6)
