"""gRPC messages taken apart: the tensors as they lie there, the rest small or refused."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from serving.errors import InvalidRequest, ServingError, TooLarge
from serving.grpc.codec import CONTENTS, decode_request
from serving.grpc.wire import check_message
from serving.messages import DTYPES
from tests.support.hostile.messages import MESSAGES, make_message
from tests.support.soak import COUNTS, SOAK

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


@pytest.mark.parametrize("name", MESSAGES)
def test_memory_follows_the_message(name):
    message = MESSAGES[name](4 * MEGABYTE)
    tracemalloc.start()
    try:
        decode_request(message)
    except ServingError as error:
        assert error.http_status in (400, 413)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(message) + 16 * MEGABYTE


@settings(max_examples=300 * SOAK, deadline=None)
@given(st.binary(max_size=60) | st.randoms().map(lambda r: make_message(r, 3000)[1]))
def test_any_bytes_are_read_or_refused(message):
    COUNTS["gRPC messages"] += 1
    try:
        decode_request(message)
    except ServingError as error:
        assert error.http_status in (400, 413)
