"""gRPC messages: whatever they hold, the answer is a request or an error of the catalogue."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from serving.errors import InvalidRequest, InvalidTensor, ServingError, TooLarge
from serving.grpc.codec import (
    CONTENTS,
    decode_response,
    encode_request,
    encode_response,
    parse_message,
)
from serving.grpc.wire import check_message
from serving.messages import DTYPES, MAX_STRINGS, InferenceRequest, InferenceResponse
from tests.support.hostile.bodies import make_message
from tests.support.soak import COUNTS, SOAK


def decode_request(message: bytes) -> InferenceRequest:
    """Read a message as decode_message does, on this thread."""
    check_message(message)
    return parse_message(message)


def make_tensor(datatype: str, shape: list[int], **contents) -> pb.ModelInferRequest:
    tensor = pb.ModelInferRequest.InferInputTensor(
        name="x", datatype=datatype, shape=shape, contents=pb.InferTensorContents(**contents)
    )
    return pb.ModelInferRequest(model_name="m", inputs=[tensor])


def test_what_a_caller_writes_is_what_a_server_reads():
    faces = np.random.default_rng(0).random((2, 1, 20, 20), np.float32)
    message = encode_request("m", {"face": faces, "image": [b"", b"\0a"]}, ["scores"], "7")
    request = decode_request(message.SerializeToString())
    assert (request.model, request.id, request.outputs) == ("m", "7", ("scores",))
    face, image = request.inputs["face"], request.inputs["image"]
    assert (face.datatype, image.datatype) == ("FP32", "BYTES")
    np.testing.assert_array_equal(face.array, faces)
    assert image.array.tolist() == [b"", b"\0a"]


def test_what_a_server_writes_is_what_a_caller_reads():
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(1, 3, 2), "b": np.zeros(0, np.int32)}
    message = encode_response(InferenceResponse(arrays, model="m", version="3", id="7"))
    assert (message.model_name, message.model_version, message.id) == ("m", "3", "7")
    found = decode_response(message)
    assert list(found) == ["a", "b"]
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    del message.raw_output_contents[1]
    with pytest.raises(InvalidTensor, match="2 outputs come with 1 raw contents"):
        decode_response(message)


def test_an_answer_with_typed_contents_is_read_too():
    message = pb.ModelInferResponse()
    output = message.outputs.add(name="a", datatype="FP32", shape=[1, 2])
    output.contents.fp32_contents.extend([1.5, 2.5])
    assert decode_response(message)["a"].tolist() == [[1.5, 2.5]]


def test_typed_contents_keep_their_values():
    request = decode_request(make_tensor("INT8", [2], int_contents=[-128, 127]).SerializeToString())
    assert request.inputs["x"].array.tolist() == [-128, 127]
    assert request.inputs["x"].array.dtype == np.int8


@pytest.mark.parametrize(
    "message",
    [
        make_tensor("INT8", [1], int_contents=[128]),
        make_tensor("UINT8", [2], uint_contents=[1]),
        make_tensor("UINT8", [-1], uint_contents=[1]),
        make_tensor("UINT8", [2**62, 4]),
        make_tensor("FP16", [1]),
        make_tensor("", [1], uint_contents=[1]),
        make_tensor("BYTES", [MAX_STRINGS + 1], bytes_contents=[b""] * (MAX_STRINGS + 1)),
    ],
)
def test_wrong_contents_are_refused(message):
    with pytest.raises(InvalidTensor):
        decode_request(message.SerializeToString())


LENGTHS = st.integers(-1, 4) | st.integers(-(2**63), 2**63 - 1)
DATATYPES = st.sampled_from(["UINT8", "FP32", "BYTES", *DTYPES]) | st.text(max_size=4)
VALUES = {
    "bool_contents": st.booleans(),
    "int_contents": st.integers(-(2**31), 2**31 - 1),
    "int64_contents": st.integers(-(2**63), 2**63 - 1),
    "uint_contents": st.integers(0, 2**32 - 1),
    "uint64_contents": st.integers(0, 2**64 - 1),
    "fp32_contents": st.floats(width=32),
    "fp64_contents": st.floats(),
    "bytes_contents": st.binary(max_size=4),
}
TYPED = st.fixed_dictionaries(
    {}, optional={name: st.lists(kind, max_size=4) for name, kind in VALUES.items()}
)
INPUT = st.builds(
    lambda contents, **more: pb.ModelInferRequest.InferInputTensor(
        contents=pb.InferTensorContents(**contents), **more
    ),
    TYPED,
    name=st.sampled_from(["face", "image", ""]) | st.text(max_size=3),
    datatype=DATATYPES,
    shape=st.lists(LENGTHS, max_size=5),
)
MESSAGE = st.builds(
    pb.ModelInferRequest,
    inputs=st.lists(INPUT, max_size=3),
    raw_input_contents=st.lists(st.binary(max_size=12), max_size=3),
)


def test_every_field_is_generated():
    assert set(VALUES) == set(CONTENTS.values())


@settings(max_examples=200 * SOAK, deadline=None)
@given(MESSAGE)
def test_any_message_is_read_or_refused(message):
    COUNTS["gRPC messages"] += 1
    try:
        request = decode_request(message.SerializeToString())
    except ServingError as error:
        assert error.http_status == 400
    else:
        assert len(request.inputs) == len(message.inputs)


def test_tritons_parameters_are_read_as_kserves():
    message = pb.ModelInferRequest(model_name="m")
    wire = {
        "min_score": b"\x21" + struct.pack("<d", 0.25),  # field 4, double_param
        "max_faces": b"\x28\x07",  # field 5, uint64_param
        "order": b"\x1a\x04size",
    }
    for name, value in wire.items():
        message.parameters[name].ParseFromString(value)
    told = decode_request(message.SerializeToString()).parameters
    assert told == {"min_score": 0.25, "max_faces": 7, "order": "size"}
    message.parameters["detect"].SetInParent()
    with pytest.raises(InvalidRequest, match="'detect' has no value"):
        decode_request(message.SerializeToString())


MEGABYTE = 2**20
NUMBERS = [name for name in CONTENTS if name not in ("BYTES",)]


def write_tensor(datatype: str, values: list, shape: list[int] | None = None) -> bytes:
    contents = pb.InferTensorContents(**{CONTENTS[datatype]: values})
    tensor = pb.ModelInferRequest.InferInputTensor(
        name="x", datatype=datatype, shape=shape or [len(values)], contents=contents
    )
    return pb.ModelInferRequest(model_name="m", id="7", inputs=[tensor]).SerializeToString()


@pytest.mark.parametrize("datatype", NUMBERS)
def test_long_contents_keep_their_values(datatype):
    dtype = DTYPES[datatype]
    rng = np.random.default_rng(0)
    if dtype.kind == "f":
        wanted = rng.normal(size=30_000).astype(dtype)
    elif dtype.kind == "b":
        wanted = rng.random(30_000) < 0.5
    else:
        limits = np.iinfo(dtype)
        wanted = rng.integers(limits.min, limits.max, 30_000, dtype, endpoint=True)
        wanted[:2] = limits.min, limits.max
    message = write_tensor(datatype, wanted.tolist(), [300, 100])
    assert check_message(message) > 16 * 2**10
    array = decode_request(message).inputs["x"].array
    assert array.dtype == dtype and array.shape == (300, 100)
    np.testing.assert_array_equal(array.reshape(-1), wanted)


def test_typed_contents_above_a_megabyte_are_refused_with_what_to_send():
    assert len(decode_request(write_tensor("BYTES", [b"x" * 1_000_000])).inputs["x"].array) == 1
    half = write_tensor("BYTES", [b"x" * 600_000])
    for message in (write_tensor("UINT8", [7] * (MEGABYTE + 1)), half + half):
        with pytest.raises(TooLarge, match="send raw contents"):
            decode_request(message)


def test_raw_and_typed_contents_in_one_request_are_refused():
    for count in (1, 30_000):
        message = pb.ModelInferRequest.FromString(write_tensor("UINT8", [0] * count))
        message.raw_input_contents.append(bytes(count))
        with pytest.raises(InvalidRequest, match="raw contents and typed ones"):
            decode_request(message.SerializeToString())


def test_much_beside_the_tensors_is_refused():
    for message in (
        pb.ModelInferRequest(model_name="x" * 70_000),
        pb.ModelInferRequest(inputs=[pb.ModelInferRequest.InferInputTensor(name="x" * 70_000)]),
    ):
        with pytest.raises(TooLarge, match="beside its tensors"):
            decode_request(message.SerializeToString())


@settings(max_examples=300 * SOAK, deadline=None)
@given(st.binary(max_size=60) | st.randoms().map(lambda r: make_message(r, 3000)[1]))
def test_any_bytes_are_read_or_refused(message):
    COUNTS["gRPC messages"] += 1
    try:
        decode_request(message)
    except ServingError as error:
        assert error.http_status in (400, 413)
