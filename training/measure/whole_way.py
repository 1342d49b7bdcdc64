"""Go the service's whole way with a picture: YuNet's box, its crop, the network, points back."""

from dataclasses import dataclass

import numpy as np

from predictor.landmarks import DEFAULT
from training.faces import CROP, Bytes, FaceDataset, Floats
from training.measure.locate import Locator
from training.yunet import YuNet
from transformer.crop import crop_face, place_square, to_picture


@dataclass
class Whole:
    """What the whole way gave of N pictures; NaN where no face was found."""

    points: Floats  # [N, 15, 2], pixels of the picture
    scores: Floats  # [N, 15]


def go_whole_way(locate: Locator, yunet: YuNet, faces: FaceDataset) -> Whole:
    """Find and locate the face in the middle of each loose crop, taken for a picture."""
    boxes = [find_middle_face(yunet, picture) for picture in faces.pictures]
    points = np.full((len(faces), 15, 2), np.nan, np.float32)
    scores = np.full((len(faces), 15), np.nan, np.float32)
    found = [i for i, face in enumerate(boxes) if face is not None]
    squares = [place_square(boxes[i].box.astype(np.float32), DEFAULT.crop_scale) for i in found]
    side = DEFAULT.side
    crops = [crop_face(faces.pictures[i], s, side) for i, s in zip(found, squares, strict=True)]
    located, sure = locate(np.stack(crops)[:, None])
    points[found], scores[found] = to_picture(located, squares, side), sure
    return Whole(points, scores)


def find_middle_face(yunet: YuNet, picture: Bytes):
    """Find the face nearest to a picture's middle, None where there is none."""
    middle = (CROP - 1) / 2

    def distance(face) -> float:
        return float(np.linalg.norm((face.box[:2] + face.box[2:]) / 2 - middle))

    return min(yunet.detect(picture), key=distance, default=None)
