"""A caller's own boxes: cropped as detected ones are, answered in their order, or refused."""

import numpy as np
import pytest
from PIL import Image

from predictor.landmarks import DEFAULT
from serving.errors import InvalidTensor, TooLarge
from serving.messages import InferenceRequest, Tensor
from tests.support.picture_files import encode
from transformer.crops.crop import crop_faces
from transformer.detectors import find_detector
from transformer.faces import FaceFinder
from transformer.inputs.boxes import BoxedPicture, read_boxes
from transformer.pictures.picture import open_picture
from transformer.settings import TransformerSettings

GOOD = [[10, 20, 50, 70], [60, 60, 90, 90]]


def make_request(boxes, index=None, pictures=1, **parameters) -> InferenceRequest:
    files = np.array([b"x"] * pictures, np.object_)
    inputs = {"image": Tensor("image", "BYTES", files)}
    inputs["boxes"] = Tensor("boxes", "FP32", np.array(boxes, np.float32))
    if index is not None:
        inputs["box_image_index"] = Tensor("box_image_index", "INT64", np.array(index))
    return InferenceRequest("unet", inputs, parameters=parameters)


@pytest.mark.parametrize(
    "boxes, row",
    [
        ([*GOOD, [1, 2, np.nan, 4]], "Row 2 .*not finite"),
        ([[1, 2, np.inf, 4], *GOOD], "Row 0 .*not finite"),
        ([GOOD[0], [50, 20, 10, 70]], "Row 1 .*empty or reversed"),
        ([GOOD[0], [10, 20, 10, 70]], "Row 1 .*empty or reversed"),
        ([], "FP32 .0.*accepted is 'boxes', FP32 .B,4."),
        ([[1, 2, 3]], "FP32 .1, 3.*accepted is"),
    ],
)
def test_what_is_not_a_box_is_refused_with_its_row(boxes, row):
    with pytest.raises(InvalidTensor, match=row):
        read_boxes(make_request(boxes), 1, 9)


@pytest.mark.parametrize(
    "index, pictures, said",
    [
        (None, 2, "2 pictures need 'box_image_index'"),
        ([0, 2], 2, "Row 1 .* is 2; 'image' has 2 pictures"),
        ([-1, 0], 1, "Row 0 .* is -1"),
        ([0], 2, "INT64 .1.; for 2 boxes"),
        ([[0, 1]], 2, "for 2 boxes"),
        ([0.0, 1.0], 2, "for 2 boxes"),
    ],
)
def test_the_picture_of_each_box_is_told(index, pictures, said):
    request = make_request(GOOD, index, pictures)
    if index and isinstance(index[0], float):
        request.inputs["box_image_index"].datatype = "FP64"
    with pytest.raises(InvalidTensor, match=said):
        read_boxes(request, pictures, 9)


async def test_boxes_need_their_pictures_and_have_a_limit(model):
    with pytest.raises(TooLarge, match="2 boxes; 1 to 1"):
        read_boxes(make_request(GOOD), 1, 1)
    request = make_request(GOOD)
    del request.inputs["image"]
    with pytest.raises(InvalidTensor, match="The inputs are boxes; accepted is 'image'"):
        await model.infer(request)
    request = make_request(GOOD, [0, 0])
    del request.inputs["boxes"]
    with pytest.raises(InvalidTensor, match="box_image_index, image; accepted is"):
        await model.infer(request)


@pytest.mark.parametrize(
    "box, error",
    [
        ([300, 10, 340, 50], InvalidTensor),
        ([10, -40, 50, 0], InvalidTensor),
        ([-1e30, -1e30, 1e30, 1e30], TooLarge),
        ([-3e38, -3e38, 3e38, 3e38], TooLarge),
    ],
)
def test_boxes_are_held_to_their_picture(box, error):
    given = BoxedPicture(b"", np.array([[0, 0, 9, 9], box], np.float32), np.array([4, 7]))
    with pytest.raises(error, match="Row 7" if error is InvalidTensor else "2 boxes"):
        given.check(300, 200, DEFAULT, 40_000_000)
    boxes = np.tile(np.array([[0, 0, 4000, 3000]], np.float32), (9, 1))
    given = BoxedPicture(b"", boxes, np.arange(9))  # which are bounded together
    given.check(4000, 3000, DEFAULT, 40_000_000)
    with pytest.raises(TooLarge, match="9 boxes"):
        given.check(4000, 3000, DEFAULT, 20_000_000)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_box_is_cropped_as_a_detected_one_in_the_upright_picture(orientation):
    finder = FaceFinder(TransformerSettings(detector=find_detector(None)))
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).resize((1200, 900))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encode(image, quality=95, exif=exif)
    boxes = np.array([[-30, 100, 400, 600], [500, 300, 880, 890]], np.float32)
    got = finder.crop_boxes(BoxedPicture(file, boxes, np.arange(2)), DEFAULT)
    picture = open_picture(file, 10**8, 2000)
    squares, crops = crop_faces(picture, picture.small, 1, boxes, np.zeros(2, np.int16), DEFAULT)
    assert np.abs(got.crops.astype(int) - crops).mean() < 3  # it was read at a quarter
    for mine, theirs in zip(got.squares, squares, strict=True):
        assert abs(mine.left - theirs.left) <= 8 and abs(mine.side - theirs.side) <= 8
    assert got.boxes.tolist() == np.clip(boxes, 0, [picture.width, picture.height] * 2).tolist()
    assert got.scores.tolist() == [1, 1] and not got.turns.any()
