"""A caller's own boxes through both doors, and by the client."""

import base64

import grpc
import numpy as np
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from client import Client, ServiceError
from serving.grpc.codec import decode_response, encode_request


def ask_rest(service, pictures, boxes, **more) -> dict[str, np.ndarray]:
    data = [base64.b64encode(picture).decode() for picture in pictures]
    inputs = [{"name": "image", "datatype": "BYTES", "shape": [len(data)], "data": data}]
    for name, array in {"boxes": boxes, **more}.items():
        datatype = "FP32" if name == "boxes" else "INT32"
        shape, values = list(array.shape), array.ravel().tolist()
        inputs.append({"name": name, "datatype": datatype, "shape": shape, "data": values})
    answer = requests.post(f"{service.url}/v2/models/unet/infer", json={"inputs": inputs})
    answer.raise_for_status()
    outputs = answer.json()["outputs"]
    return {each["name"]: np.reshape(each["data"], each["shape"]) for each in outputs}


def ask_grpc(service, pictures, boxes, **more) -> dict[str, np.ndarray]:
    request = encode_request("unet", {"image": pictures, "boxes": boxes, **more})
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc}") as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        return decode_response(stub.ModelInfer(request, timeout=60))


@pytest.mark.parametrize("ask", [ask_rest, ask_grpc])
def test_faces_are_those_of_the_boxes_in_their_order(transformer, astronaut, ask):
    with Client(transformer.url) as client:
        found = client.locate(astronaut)[0]
    boxes = np.array([[300, 300, 380, 400], found.box, found.box], np.float32)
    answer = ask(transformer, [astronaut] * 2, boxes, box_image_index=np.array([1, 0, 1], np.int32))
    assert answer["boxes"] == pytest.approx(boxes)
    assert answer["image_index"].tolist() == [1, 0, 1]
    want = np.array([(point.x, point.y) for point in found.points])
    assert np.abs(answer["landmarks"][1:] - want).max() < 2
    assert answer["face_scores"][0] < answer["face_scores"][1] - 0.2  # there is no face


@pytest.mark.parametrize("ask", [ask_rest, ask_grpc])
def test_a_box_outside_is_refused_with_its_row(transformer, astronaut, ask):
    boxes = np.array([[9, 9, 99, 99], [600, 9, 700, 99]], np.float32)
    with pytest.raises((requests.HTTPError, grpc.RpcError)) as caught:
        ask(transformer, [astronaut], boxes)
    error = caught.value
    told = error.details() if isinstance(error, grpc.RpcError) else error.response.text
    assert "Row 1 of 'boxes' (from 0) lies outside its picture of 512x512" in told


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
