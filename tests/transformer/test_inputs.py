"""What a request says: choices, a caller's own boxes, base64; what it can't have is refused."""

import base64
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from predictor.landmarks import DEFAULT
from serving.errors import InvalidImage, InvalidRequest, InvalidTensor, TooLarge
from serving.messages import InferenceRequest, Tensor
from tests.support.picture_files import encode
from tests.transformer.conftest import make_request
from transformer.crops.crop import crop_faces
from transformer.detectors import find_detector
from transformer.faces import FaceFinder
from transformer.inputs.boxes import BoxedPicture, read_boxes
from transformer.inputs.choices import Choices, check_used, read_choices
from transformer.pictures.base64_text import Base64Text
from transformer.pictures.picture import open_picture
from transformer.settings import TransformerSettings

INF = float("inf")
SETTINGS = TransformerSettings(detect="fast", max_picture_faces=8)


@pytest.mark.parametrize("as_text", [True, False])
def test_a_request_has_its_own(as_text):
    said = {"detect": "thorough", "min_score": 0.25, "min_face": 2.5, "max_faces": 3}
    said["order"] = "size"
    if as_text:  # as a query has them
        said = {name: str(value) for name, value in said.items()}
    assert read_choices(said, SETTINGS) == Choices("thorough", 0.25, 2.5, 3, "size")
    assert read_choices({}, SETTINGS) == Choices("fast", None, 0, 8, "score")  # the server's


@pytest.mark.parametrize(
    "name, values, accepted",
    [
        ("detect", ["all", "", 1, None, ["fast"], True], "fast, default, thorough"),
        ("order", ["best", "Size", 0], "score, size, left_to_right"),
        ("min_score", [0, 1, -0.5, "nan", "x", True, "1e999", [0.5], "0.1_5"], "between 0 and 1"),
        ("min_face", [-1, 100.5, "nan", "x", True, INF, [5]], "percent from 0 to 100"),
        ("max_faces", [0, 9, 1.5, "many", "\u0663", INF, INF - INF, 10**400, {}], "from 1 to 8"),
    ],
)
def test_what_is_not_accepted_is_refused_with_what_is(name, values, accepted):
    for value in values:
        with pytest.raises(InvalidRequest, match=f"'{name}'.*{accepted}"):
            read_choices({name: value}, SETTINGS)


BOXES = np.array([[50, 0, 60, 10], [0, 0, 30, 30], [90, 5, 110, 25]], np.float32)
SCORES = np.array([0.9, 0.7, 0.8], np.float32)


@pytest.mark.parametrize(
    "order, most, chosen",
    [
        ("score", 3, [0, 2, 1]),
        ("score", 2, [0, 2]),
        ("size", 3, [1, 2, 0]),
        ("size", 1, [1]),  # the largest face
        ("left_to_right", 3, [1, 0, 2]),
        ("left_to_right", 2, [0, 2]),  # of too many the best stay
    ],
)
def test_the_order_and_the_number_of_faces(order, most, chosen):
    assert Choices(order=order, max_faces=most).choose(BOXES, SCORES).tolist() == chosen


def test_small_faces_are_left_out():
    assert Choices(min_face=30).find_large(BOXES, (40, 60)).tolist() == [False, True, True]


async def test_of_more_faces_than_may_be_the_best_are_answered_and_the_rest_counted(model):
    answer = await model.infer(make_request(3, 4))  # four are the limit
    assert len(answer.outputs["landmarks"]) == 4
    assert answer.outputs["image_index"].tolist() == [0, 0, 0, 1]
    assert answer.parameters == {"more_faces": 3}
    assert (await model.infer(make_request(3))).parameters == {}


@pytest.mark.parametrize(
    "name, value, words",
    [("DETECT_SIDE", "1280", "LANDMARKS_DETECT=thorough"), ("DETECT_BUDGET", "409599", "409600")],
)
def test_a_setting_of_before_or_of_less_than_one_look_is_refused(monkeypatch, name, value, words):
    monkeypatch.setenv(f"LANDMARKS_{name}", value)
    with pytest.raises(ValueError, match=words):
        TransformerSettings()


SEARCH = "detect, min_score, min_face, max_faces, order, search"


@pytest.mark.parametrize(
    "inputs, outputs, name, accepted",
    [
        ("image", "pose", "max_face", f"model, {SEARCH}"),
        ("image", "pose", "template", f"model, {SEARCH}"),
        ("image boxes", "aligned", "detect", "model, template, aligned_side"),
        ("face", "scores", "order", "model"),
    ],
)
def test_what_does_nothing_is_refused_with_what_does(inputs, outputs, name, accepted):
    named: dict = dict.fromkeys(inputs.split())
    request = InferenceRequest("unet", named, parameters={name: "1"})
    with pytest.raises(InvalidRequest, match=f"'{name}' does nothing here; accepted is {accepted}"):
        check_used(request, outputs.split())


GOOD = [[10, 20, 50, 70], [60, 60, 90, 90]]


def make_boxed(boxes, index=None, pictures=1, **parameters) -> InferenceRequest:
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
        read_boxes(make_boxed(boxes), 1, 9)


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
    request = make_boxed(GOOD, index, pictures)
    if index and isinstance(index[0], float):
        request.inputs["box_image_index"].datatype = "FP64"
    with pytest.raises(InvalidTensor, match=said):
        read_boxes(request, pictures, 9)


async def test_boxes_need_their_pictures_and_have_a_limit(model):
    with pytest.raises(TooLarge, match="2 boxes; 1 to 1"):
        read_boxes(make_boxed(GOOD), 1, 1)
    request = make_boxed(GOOD)
    del request.inputs["image"]
    with pytest.raises(InvalidTensor, match="The inputs are boxes; accepted is 'image'"):
        await model.infer(request)
    request = make_boxed(GOOD, [0, 0])
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


FORMS = {
    "plain": base64.b64encode,
    "lines of 76": base64.encodebytes,
    "indented": lambda c: b"  " + base64.encodebytes(c).replace(b"\n", b"\r\n\t"),
    "of file names": base64.urlsafe_b64encode,
    "unpadded": lambda c: base64.urlsafe_b64encode(c).rstrip(b"="),
    "data URL": lambda c: b"data:image/jpeg;base64," + base64.b64encode(c),
    "data URL with parameters": lambda c: b"DATA:image/png;a=b;BASE64," + base64.b64encode(c),
    "data URL in lines": lambda c: b"data:;base64,\n" + base64.encodebytes(c),
}


@pytest.mark.parametrize("form", FORMS)
@given(st.binary(max_size=100))
def test_any_form_is_taken(form, content):
    assert Base64Text(FORMS[form](content)).decode() == content


OTHERS = [b"a", b"abcde", b"ab=c", b"abc=abcd", b"ab!d", b"\xff\xd8\xff\xe0", "abc\u00e4".encode()]
OTHERS += [b"data:image/png,abcd", b"data:image/png;base64", b"data:image/png;base64,ab%41d"]
OTHERS.append(b"data:image/png;base64,data:image/png;base64,abcd")
OTHERS.append(b"data:" + b"x" * 2000 + b";base64,abcd")


@pytest.mark.parametrize("text", OTHERS)
def test_anything_else_is_refused_with_what_is_taken(text):
    with pytest.raises(InvalidImage, match="base64 text, with line breaks or without, or a data"):
        Base64Text(text).decode()


def test_long_text_takes_a_bounded_time():
    for text in (b"\n" * 2**24, b"data:;base64," + b"/" * 2**24, b"=" * 2**24, b"-" * 2**24):
        begun = time.process_time()
        Base64Text(text).decode()
        assert time.process_time() - begun < 5, text[:20]
