"""Faces to train on or to measure with: loose crops, and their points in the crop's pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from predictor.landmarks import DEFAULT, load_file
from serving.faces import place_square
from serving.landmarks import LandmarkSet, read_landmarks
from training import Bytes, DataError, Floats
from training.boxes import BoxFinder
from training.index import Row, find_names, read_picture, take_points

Size = tuple[int, int]  # height, width
FEWEST = 2  # known points of a face that a network can learn from


@dataclass(frozen=True)
class Frame:
    """Where a landmark set's face lies: the middle half of a loose crop."""

    landmarks: LandmarkSet

    @property
    def side(self) -> int:
        """Pixels of the network's input."""
        return self.landmarks.side

    @property
    def face(self) -> int:
        """Pixels of the crop's middle that the network sees: 128 for an input of 96."""
        return 2 * round(self.side * 2 / 3)

    @property
    def crop(self) -> int:
        """Pixels of the loose crop."""
        return 2 * self.face

    @property
    def loose(self) -> float:
        """Side of the loose crop over the size of the face's box."""
        return 2 * self.landmarks.crop_scale

    def to_input(self, points: Floats, size: Size | None = None) -> Floats:
        """Move points `[...,2]` from pixels of the crop to pixels of an input of height, width."""
        height, width = size or (self.side, self.side)
        scale = np.array([width / self.face, height / self.face], np.float32)
        return (points + 0.5 - self.face / 2) * scale - 0.5

    def to_crop(self, points: Floats) -> Floats:
        """Move points `[...,2]` from pixels of the input to pixels of the crop."""
        return (points + 0.5) * (self.face / self.side) + self.face / 2 - 0.5


@dataclass
class FaceDataset:
    """N faces; points are pixels of the loose crop, NaN where unlabelled."""

    frame: Frame
    pictures: Bytes  # [N, C, C, 3], RGB
    points: Floats  # [N, K, 2]
    sets: NDArray[np.str_]  # [N]
    paths: NDArray[np.str_]  # [N]

    def __len__(self) -> int:
        return len(self.pictures)

    def select(self, mask: NDArray) -> "FaceDataset":
        """Keep the faces that a boolean mask `[N]` or indices `[M]` name."""
        arrays = {k: v[mask] for k, v in vars(self).items() if k != "frame"}
        return replace(self, **arrays)


def read_faces(rows: Sequence[tuple[Path, Row]], landmarks: LandmarkSet) -> FaceDataset:
    """Read the rows that have at least two of the set's points; raises DataError for none."""
    if landmarks.level_eyes:
        raise DataError("Faces are not rotated here, and this network wants its eyes level.")
    frame, boxes = Frame(landmarks), BoxFinder()
    found = []  # picture, points, set, path
    for folder, row in rows:
        points = np.array(take_points(row, landmarks.points), np.float32)  # [K, 2]
        known = points[~np.isnan(points).any(-1)]
        if len(known) < min(FEWEST, len(landmarks)):
            continue
        picture = read_picture(folder / row["path"])
        crop, moved = cut_crop(picture, boxes.find(picture, row, known), points, frame)
        check_points(moved, frame, row["path"])
        found.append((crop, moved, row["set"], row["path"]))
    if not found:
        names = ", ".join(find_names(rows)[:5]) or "no points"
        raise DataError(
            f"No face of {', '.join(sorted({str(f) for f, _ in rows}))} has labels of "
            f"{landmarks.points[0]} and the set's other {len(landmarks) - 1} points; index.csv "
            f"has columns of {names}."
        )
    boxes.report()
    return FaceDataset(frame, *map(np.array, zip(*found, strict=True)))


def cut_crop(picture: Bytes, box: Floats, points: Floats, frame: Frame) -> tuple[Bytes, Floats]:
    """Cut the loose crop `[C,C,3]` about a box, and points `[K,2]` in its pixels.

    Beyond the picture's border its last pixels repeat.
    """
    place = place_square(box, frame.landmarks.model_copy(update={"crop_scale": frame.loose}))
    patch = place.cut(picture)
    how = cv2.INTER_AREA if place.side > frame.crop else cv2.INTER_CUBIC
    if place.side != frame.crop:
        patch = cv2.resize(patch, (frame.crop, frame.crop), interpolation=how)
    moved = (points - (place.left, place.top) + 0.5) * (frame.crop / place.side) - 0.5
    return patch, moved.astype(np.float32)


def check_points(points: Floats, frame: Frame, path: str) -> None:
    """Raise DataError, naming the file, where points cannot be those of a crop."""
    known = points[~np.isnan(points).any(-1)]  # [K, 2]
    if not ((known > -frame.crop / 2) & (known < 1.5 * frame.crop)).all():
        raise DataError(f"{path} has a point far outside the crop about its face.")
    if len(np.unique(known, axis=0)) < len(known):
        raise DataError(f"{path} has two points on one spot.")


def cut_inputs(faces: FaceDataset, size: Size | None = None) -> Bytes:
    """Cut a network's inputs of height and width out of the crops, `[N,C,H,W]`.

    One channel is ITU-R 601 grey, three are RGB, as the landmark set has it.
    """
    frame, channels = faces.frame, faces.frame.landmarks.channels
    low, high = frame.face // 2, frame.face // 2 + frame.face
    height, width = size or (frame.side, frame.side)
    inputs = np.empty((len(faces), channels, height, width), np.uint8)
    for one, picture in zip(inputs, faces.pictures, strict=True):
        middle = picture[low:high, low:high]
        middle = cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY) if channels == 1 else middle
        small = cv2.resize(middle, (width, height), interpolation=cv2.INTER_AREA)
        one[:] = small.reshape(height, width, channels).transpose(2, 0, 1)
    return inputs


def choose_landmarks(init: Path | None, rows: list[tuple[Path, Row]], side: int) -> LandmarkSet:
    """Choose the landmark set to train: that of the network to start from, else the columns'.

    Of the columns' points those are mirrored whose names differ in left and right alone; the unit
    is the pair of them, if any, that lies farthest apart on average.
    """
    if init is not None:
        beside = init.with_suffix(".landmarks.json")
        return load_file(beside) if beside.is_file() else DEFAULT
    names, table = find_names(rows), rows[0][0] / "index.csv"
    if len(names) < 2:
        raise DataError(f"{table} has no columns NAME_x and NAME_y of points.")
    if set(names) == set(DEFAULT.points) and side == DEFAULT.side:
        return DEFAULT
    pairs = [(name, name.replace("left", "right")) for name in names if "left" in name]
    mirror = [pair for pair in pairs if pair[1] in names]
    points = np.array([take_points(row, names) for _, row in rows])  # [N, K, 2]

    def measure_apart(pair: tuple[str, str]) -> float:
        first, second = (points[:, names.index(name)] for name in pair)
        return np.nan_to_num(np.nanmean(np.linalg.norm(first - second, axis=1)))

    unit = max(mirror or combinations(names, 2), key=measure_apart)
    content = {"points": names, "mirror": mirror, "unit": unit, "side": side}
    found = read_landmarks(content | {"crop_scale": DEFAULT.crop_scale}, table)
    print(f"points: {', '.join(names)}; mirrored: {len(mirror)} pairs; errors are shares of the")
    print(f"distance of {' and '.join(unit)}; input: {side}x{side}, grey")
    return found
