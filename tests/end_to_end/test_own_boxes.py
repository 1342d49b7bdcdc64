"""A caller's own boxes through both doors, and by the client."""

import grpc
import numpy as np
import pytest

from client import Client, ServiceError
from tests.support.ask import ask_grpc, ask_rest


@pytest.mark.parametrize("ask", [ask_rest, ask_grpc])
def test_faces_are_those_of_the_boxes_in_their_order(transformer, astronaut, ask):
    with Client(transformer.url) as client:
        found = client.locate(astronaut)[0]
    boxes = np.array([[300, 300, 380, 400], found.box, found.box], np.float32)
    index = np.array([1, 0, 1], np.int32)
    inputs = {"image": [astronaut] * 2, "boxes": boxes, "box_image_index": index}
    answer = ask(transformer, inputs)
    assert answer["boxes"] == pytest.approx(boxes)
    assert answer["image_index"].tolist() == [1, 0, 1]
    want = np.array([(point.x, point.y) for point in found.points])
    assert np.abs(answer["landmarks"][1:] - want).max() < 2
    assert answer["face_scores"][0] < answer["face_scores"][1] - 0.2  # there is no face


@pytest.mark.parametrize("ask", [ask_rest, ask_grpc])
def test_a_box_outside_is_refused_with_its_row(transformer, astronaut, ask):
    boxes = np.array([[9, 9, 99, 99], [600, 9, 700, 99]], np.float32)
    said = r"Row 1 of 'boxes' \(from 0\) lies outside its picture of 512x512"
    with pytest.raises((AssertionError, grpc.RpcError), match=said):
        ask(transformer, {"image": [astronaut], "boxes": boxes})


def test_the_client_has_a_face_for_each_box(transformer, astronaut):
    boxes = [(178, 63, 268, 175), (10, 10, 60, 60)]
    with Client(transformer.url) as client:
        result = client.locate(astronaut, boxes=boxes, draw=True)
        assert [face.box for face in result] == boxes and result.drawing
        assert result[0].trusted
        with pytest.raises(ServiceError, match="Row 0 of 'boxes'"):
            client.locate(astronaut, boxes=[(5, 5, 1, 1)])
        with pytest.raises(ServiceError, match="'max_faces' does nothing"):
            client.locate(astronaut, boxes=boxes, max_faces=1)
