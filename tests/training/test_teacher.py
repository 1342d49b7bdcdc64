"""The teacher's parts that need no mediapipe: version, regions, mapping, judgement, pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.face import FACE
from training.faces import FLIP, FaceDataset
from training.teacher import version
from training.teacher.agree import agree, judge_label, measure_turn
from training.teacher.fit_mapping import fit_mapping
from training.teacher.mapping import COUNT, read_mapping, write_mapping
from training.teacher.pictures import cut_pictures
from training.teacher.regions import LEFT_OUTER, RIGHT_OUTER, surround_box, surround_mesh
from training.yunet import Found, crop_loosely

FIVE = FACE[[1, 0, 10, 12, 11]]


def test_another_mediapipe_is_refused() -> None:
    version.check_version(version.read_wanted())
    for found, says in (("0.10.35", "has mediapipe 0.10.35"), (None, "has no mediapipe")):
        with pytest.raises(version.TeacherError, match=f"{says}.*needs 0.10.21.*make teacher"):
            version.check_version(found)


def test_regions_follow_the_eyes() -> None:
    region = surround_box(50, 60, 100, np.array([[40, 50], [60, 70]]))
    assert region.angle == pytest.approx(np.pi / 4)
    assert (region.x, region.y, region.side) == (50, 60, 150)
    mesh = np.random.default_rng(0).uniform(-1, 1, (COUNT, 3)) * (30, 50, 0)
    mesh[[RIGHT_OUTER, LEFT_OUTER]] = (-20, 0, 0), (20, 0, 0)
    mesh[[0, 1, 2, 3]] = (-30, 0, 0), (30, 0, 0), (0, -50, 0), (0, 50, 0)
    turn = np.array([[0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 1]])
    region = surround_mesh(mesh @ turn + (7, 9, 0))
    assert (region.x, region.y, region.side) == pytest.approx((7, 9, 150), abs=1e-6)
    assert region.angle == pytest.approx(np.arcsin(0.6))


def test_the_mapping_is_symmetric_enough_and_sums_to_one() -> None:
    weights = read_mapping()
    assert weights.shape == (15, COUNT)
    np.testing.assert_allclose(weights.sum(1), 1)
    assert np.abs(weights).sum(1).max() < 1.3  # no extrapolation that a turned head would blow up
    used = (weights != 0).sum(1)
    assert all(abs(int(used[k]) - int(used[FLIP[k]])) <= 4 for k in range(15))


def test_a_mapping_survives_its_file_and_a_broken_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mapping.csv"
    write_mapping(read_mapping(), file)
    np.testing.assert_allclose(read_mapping(file), read_mapping(), atol=1e-3)
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:-1], ""]))
    with pytest.raises(ValueError, match="bottom_lip do not add up"):
        read_mapping(file)
    file.write_text("\n".join([*lines, "chin,3,1.0"]))
    with pytest.raises(ValueError, match=f"row {len(lines) + 1}"):
        read_mapping(file)


def test_the_fit_finds_the_vertices_that_make_the_points() -> None:
    rng = np.random.default_rng(0)
    meshes = rng.uniform(0, 200, (60, COUNT, 2))
    points = (meshes[:, 10:25] + meshes[:, 100:115]) / 2
    weights = fit_mapping(meshes, points)
    np.testing.assert_allclose(weights.sum(1), 1)
    error = np.linalg.norm(np.einsum("kv,nvc->nkc", weights, meshes) - points, axis=2)
    assert error.mean() < 8  # of vertices 50 pixels and more apart


def test_judgement() -> None:
    assert judge_label(FACE, 0.01, FIVE, None) == ""
    assert judge_label(FACE, 0.01, FIVE, FACE + 1) == ""
    assert judge_label(FACE * np.nan, np.nan, FIVE, None) == "no mesh"
    assert judge_label(FACE, np.nan, FIVE, None) == "mirrored view"
    assert judge_label(FACE, 0.03, FIVE, None) == "mirrored view"
    assert judge_label(FACE, 0.01, FIVE + 12, None) == "YuNet"
    assert judge_label(FACE, 0.01, FIVE, FACE + 5) == "network"
    turned = FACE.copy()
    turned[10, 0] += 15
    assert measure_turn(turned[None])[0] == pytest.approx(15 / 64)
    assert judge_label(turned, 0.03, turned[[1, 0, 10, 12, 11]], turned + 5) == ""


def test_labels_are_mixed_and_unsure_frontal_ones_dropped() -> None:
    blank = np.array(["a", "b", "c"])
    faces = FaceDataset(
        np.zeros((3, 1, 1, 3)), np.zeros((3, 15, 2)), np.stack([FIVE] * 3), *[blank] * 3
    )
    network = {"a": FACE + np.array((2, 0)), "c": FACE + 9}
    meshes = dict.fromkeys("abc", (FACE, 0.01))
    paths, points, reasons = agree(faces, meshes, network)
    assert paths == ["a"] and reasons["network"] == 1 and reasons["the network is unsure"] == 1
    np.testing.assert_allclose(points[0][10], FACE[10])  # the nose is the mesh's
    np.testing.assert_allclose(points[0][6], FACE[6] + (1, 0))  # brows are half the network's


class OneFace:
    """Stand in for YuNet: sees a face in bright pictures, as large as their height says."""

    def detect(self, picture):
        if picture.mean() < 100:
            return []
        half = picture.shape[0] / 4
        box = np.array([100 - half, 100 - half, 100 + half, 100 + half])
        return [Found(box, np.full((5, 2), 100.0), 0.9)]


def test_pictures_without_a_face_are_listed_and_skipped(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "mine"
    skipped: list[tuple[str, str]] = []
    folder.mkdir()
    for name, side, tone in (("dark", 300, 0), ("face", 300, 200), ("small", 40, 200)):
        cv2.imwrite(str(folder / f"{name}.png"), np.full((side, side, 3), tone, np.uint8))
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff torn")
    (crop,) = cut_pictures(folder, out, OneFace(), skipped)  # type: ignore[arg-type]
    assert crop[1].shape == (256, 256, 3) and (out / crop[0]).is_file()
    assert dict(skipped) == {
        "dark.png": "no face",
        "small.png": "a face of 23 pixels",
        "torn.jpg": "no picture that can be read",
    }
    rows = (out / "index.csv").read_text().splitlines()
    assert len(rows) == 2 and rows[1].startswith("mine,unlabelled,crops/")


def test_a_loose_crop_shows_points_where_it_says() -> None:
    picture = np.zeros((500, 400, 3), np.uint8)
    cv2.circle(picture, (210, 190), 6, (255, 255, 255), -1)
    face = Found(np.array([150.0, 120, 290, 310]), np.array([[210.0, 190]]), 1.0)
    crop, at = crop_loosely(picture, face)
    y, x = np.mgrid[:256, :256]
    light = crop[..., 0].astype(float)
    found = np.array([(x * light).sum(), (y * light).sum()]) / light.sum()
    np.testing.assert_allclose(found, at[0], atol=0.3)
