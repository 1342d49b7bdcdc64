"""Boxes that a caller has already: read, checked, and put to the pictures that they are in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.contract import BOX_IMAGE_INDEX, IMAGE, OWN_BOXES
from serving.errors import InvalidTensor, TooLarge
from serving.landmarks import LandmarkSet
from serving.messages import InferenceRequest
from transformer.crops.crop import Floats
from transformer.pictures.base64_text import Given
from transformer.pictures.picture import MIN_SIDE

ACCEPTED = (
    "'boxes', FP32 [B,4] of x0, y0, x1, y1 in pixels of the upright picture, x0 < x1, y0 < y1"
)
ACCEPTED_INDEX = "'box_image_index', INT32 or INT64 [B], the picture of each box, counted from 0"
BUDGET = 4  # times the pixels of the largest picture that the crops of one may have


@dataclass(frozen=True, slots=True)
class BoxedPicture:
    """A picture, the boxes `[b,4]` in it, and their rows `[b]` among the request's."""

    content: Given
    boxes: Floats
    rows: NDArray[np.intp]

    def check(self, width: int, height: int, landmarks: LandmarkSet, max_pixels: int) -> None:
        """Check the boxes against their picture's size.

        Raises InvalidTensor for one that lies outside, TooLarge where the crops together have more
        pixels than may be read; a caller's boxes may lie on each other and reach beyond it.
        """
        x0, y0, x1, y1 = self.boxes.T.astype(np.float64)
        outside = (x1 <= 0) | (y1 <= 0) | (x0 >= width) | (y0 >= height)
        refuse_rows(self.rows[outside], f"lies outside its picture of {width}x{height} pixels")
        side = landmarks.crop_scale * np.maximum(np.maximum(x1 - x0, y1 - y0), 1)
        seen = np.minimum(side, max(width, MIN_SIDE)) * np.minimum(side, max(height, MIN_SIDE))
        cost = np.maximum(seen, MIN_SIDE * side).sum()
        if not cost <= BUDGET * max_pixels:
            raise TooLarge(
                f"The crops of the {len(side)} boxes of a picture have {cost:.3g} of its pixels; "
                f"{BUDGET * max_pixels} is the limit."
            )


@dataclass(frozen=True, slots=True)
class OwnBoxes:
    """A request's boxes `[B,4]`, in the caller's order, and the picture `[B]` of each."""

    boxes: Floats
    owners: NDArray[np.intp]

    def share_out(self, pictures: list) -> list[BoxedPicture]:
        """Give each picture its boxes, in the caller's order."""
        shares = (np.flatnonzero(self.owners == i) for i in range(len(pictures)))
        pairs = zip(pictures, shares, strict=True)
        return [BoxedPicture(picture, self.boxes[rows], rows) for picture, rows in pairs]

    def restore(self) -> NDArray[np.intp]:
        """Return which of the faces `[B]`, picture by picture, belongs in each of the rows."""
        return np.argsort(np.argsort(self.owners, kind="stable"))


def read_boxes(request: InferenceRequest, pictures: int, most: int) -> OwnBoxes | None:
    """Read the boxes of a request of so many pictures, None where it has none.

    Raises InvalidTensor with what is accepted and the first wrong row, TooLarge where there are
    more than `most`.
    """
    if OWN_BOXES.name not in request.inputs:
        return None
    tensor = request.inputs[OWN_BOXES.name]
    boxes = tensor.array
    if tensor.datatype != "FP32" or boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes):
        shape = list(boxes.shape)
        raise InvalidTensor(f"'boxes' is {tensor.datatype} {shape}; accepted is {ACCEPTED}.")
    if len(boxes) > most:
        raise TooLarge(f"'boxes' has {len(boxes)} boxes; 1 to {most} go into one request.")
    bad = ~np.isfinite(boxes).all(axis=1)
    refuse_rows(np.flatnonzero(bad), "has values that are not finite")
    bad = (boxes[:, :2] >= boxes[:, 2:]).any(axis=1)
    refuse_rows(np.flatnonzero(bad), "is empty or reversed")
    return OwnBoxes(boxes, read_owners(request, len(boxes), pictures))


def read_owners(request: InferenceRequest, boxes: int, pictures: int) -> NDArray[np.intp]:
    """Read which picture each box is in; without a word, of one picture: that one."""
    tensor = request.inputs.get(BOX_IMAGE_INDEX.name)
    if tensor is None:
        if pictures > 1:
            raise InvalidTensor(f"Boxes of {pictures} pictures need {ACCEPTED_INDEX}.")
        return np.zeros(boxes, np.intp)
    if tensor.datatype not in BOX_IMAGE_INDEX.datatypes or tensor.array.shape != (boxes,):
        raise InvalidTensor(
            f"'box_image_index' is {tensor.datatype} {list(tensor.array.shape)}; "
            f"for {boxes} boxes accepted is {ACCEPTED_INDEX}."
        )
    owners = tensor.array.astype(np.intp)
    bad = np.flatnonzero((owners < 0) | (owners >= pictures))
    if len(bad):
        raise InvalidTensor(
            f"Row {bad[0]} of 'box_image_index' is {owners[bad[0]]}; '{IMAGE.name}' has "
            f"{pictures} pictures, counted from 0."
        )
    return owners


def refuse_rows(rows: NDArray[np.intp], what: str) -> None:
    """Raise InvalidTensor for the first of the wrong rows, where there is one."""
    if len(rows):
        raise InvalidTensor(f"Row {rows[0]} of 'boxes' (from 0) {what}; accepted is {ACCEPTED}.")
