"""V2 bodies: whatever bytes come, the answer is a request or an error of the catalogue."""

import json
import struct
import tracemalloc
from collections.abc import Mapping

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.errors import InvalidRequest, InvalidTensor, ServingError, TooLarge
from serving.messages import InferenceResponse, make_array
from serving.rest.codec import decode_request, encode_answer
from tests.support.environment import COUNTS, SOAK


def decode(tensor: dict, tail: bytes = b"", **more) -> np.ndarray:
    head = json.dumps({"inputs": [{"name": "x"} | tensor]} | more).encode()
    return decode_request(head + tail, "m", str(len(head))).inputs["x"].array


def test_binary_tensors_are_views_of_the_body():
    raw = np.arange(6, dtype=np.float32).tobytes()
    parameters = {"binary_data_size": 24, "content_type": "np"}  # as MLServer's clients say it
    tensor = {"datatype": "FP32", "shape": [2, 3], "parameters": parameters}
    array = decode(tensor, raw)
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not array.flags.owndata and not array.flags.writeable


def test_fp16_comes_in_binary_only():
    raw = np.array([0.5, 1], np.float16).tobytes()
    tensor = {"datatype": "FP16", "shape": [2], "parameters": {"binary_data_size": 4}}
    assert decode(tensor, raw).tolist() == [0.5, 1]
    with pytest.raises(InvalidTensor, match="FP16"):
        decode({"datatype": "FP16", "shape": [2], "data": [0.5, 1]})


WRONG: dict[str | None, list] = {  # values of one element
    "UINT8": [[256], [-1], [0.5], [True], ["1"], [None], {}, [10**30]],
    "INT8": [[128]],
    "INT64": [[2**63]],
    "UINT64": [[-1]],
    "BOOL": [[1]],
    "FP32": [[1e39], [[]]],
    "BYTES": [[1], None],
    "FP31": [[1]],
    None: [[1]],
}
SHAPES: list = [[-1], [1.0], [True], "1", [2**40], [1] * 9]
CASES = [(datatype, data, [1]) for datatype, some in WRONG.items() for data in some]
CASES += [("UINT8", [1], shape) for shape in SHAPES] + [("UINT8", [], [0, 2**31, 2**31])]
CASES += [("UINT8", "12", [2]), ("UINT8", [[1], [1, 2]], [3]), ("UINT8", [1, 2], [3])]
CASES += [("FP32", [[[[1]]], 2], [2]), ("BYTES", [["a"], ["b", "c"]], [3]), ("BYTES", "ab", [2])]


@pytest.mark.parametrize("datatype, data, shape", CASES)
def test_wrong_values_are_told_apart_not_wrapped_or_rounded(datatype, data, shape):
    with pytest.raises((InvalidTensor, InvalidRequest)):
        decode({"datatype": datatype, "shape": shape, "data": data})


RIGHT: dict[str, list] = {"UINT64": [2**64 - 1], "INT64": [-(2**63)], "UINT8": [0, 255]}
RIGHT |= {"BOOL": [True, False], "FP32": [1, 0.5], "BYTES": ["", "é"], "INT8": []}


@pytest.mark.parametrize("datatype", RIGHT)
def test_right_values_stay_what_they_are(datatype):
    data = RIGHT[datatype]
    array = decode({"datatype": datatype, "shape": [len(data)], "data": data})
    assert array.tolist() == [v.encode() if isinstance(v, str) else v for v in data]


def test_a_nested_bomb_is_no_recursion():
    for body in (b"[" * 50_000, b'{"inputs":' * 5_000, b'{"inputs":[' + b"[" * 1000 + b"]" * 1000):
        with pytest.raises((InvalidRequest, TooLarge)):
            decode_request(body, "m", None)
    deep = '{"inputs":[{"name":"x","datatype":"UINT8","shape":[1],"data":%s1%s}]}'
    for depth in (70, 900):
        with pytest.raises(ServingError):
            decode_request((deep % ("[" * depth, "]" * depth)).encode() + b" ", "m", None)
            raise InvalidTensor  # 70 levels are a shape of another rank, yet of one value


@pytest.mark.parametrize("length", ["-1", "1e3", "", " 5", "99999", "٣", "9" * 5000])
def test_a_header_length_that_is_none(length):
    with pytest.raises(InvalidRequest):
        decode_request(b'{"inputs": []}', "m", length)


@pytest.mark.parametrize("size", [-1, 5, 1.5, "4", True, 2**70])
def test_a_binary_size_that_is_none(size):
    tensor = {"datatype": "UINT8", "shape": [4], "parameters": {"binary_data_size": size}}
    with pytest.raises(InvalidTensor):
        decode(tensor, b"abcd" if size != 5 else b"abcde"[:4])


def test_bytes_that_follow_the_last_tensor_are_an_error():
    tensor = {"datatype": "UINT8", "shape": [1], "parameters": {"binary_data_size": 1}}
    with pytest.raises(InvalidRequest):
        decode(tensor, b"ab")


@pytest.mark.parametrize(
    "raw",
    [b"\x05\0\0\0abc", b"\x01\0\0", struct.pack("<I", 2**32 - 1) + b"a", b"", b"\0\0\0\0" * 2],
)
def test_broken_bytes_elements(raw):
    tensor = {"datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(raw)}}
    with pytest.raises(InvalidTensor):
        decode(tensor, raw)


def test_elements_beyond_the_shape_are_not_read():
    raw = bytes(4 * 2**20)  # a million empty ones
    tracemalloc.start()
    with pytest.raises(InvalidTensor):
        make_array("x", "BYTES", [1], raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


async def encode(response: InferenceResponse, binary: Mapping[str, bool]) -> tuple[bytes, dict]:
    claimed: list[int] = []
    pieces, headers = await encode_answer(response, binary, claimed.append)
    assert sum(claimed) == sum(map(len, pieces)) and max(map(len, pieces)) <= 2**18
    return b"".join(pieces), headers


async def test_outputs_are_binary_where_asked():
    outputs = {"a": {"content_type": "np"}, "b": {"binary_data": False}}
    named = [{"name": name, "parameters": given} for name, given in outputs.items()]
    body = {"inputs": [], "parameters": {"binary_data_output": True}, "outputs": named}
    request = decode_request(orjson.dumps(body), "m", None)
    arrays = {"a": np.arange(3, dtype=np.float32), "b": np.array([[1, 2]], np.int32)}
    content, headers = await encode(InferenceResponse(arrays), request.binary_outputs)
    length = int(headers["inference-header-content-length"])
    a, b = orjson.loads(content[:length])["outputs"]
    assert a["parameters"] == {"binary_data_size": 12} and "data" not in a
    assert content[length:] == arrays["a"].tobytes()
    assert b["data"] == [1, 2] and b["shape"] == [1, 2]


@pytest.mark.parametrize("size", [0, 1, 2**14, 2**14 + 1, 100_000])
async def test_long_json_in_pieces_is_the_same_json(size):
    array = np.random.default_rng(0).random(size, np.float32)
    content, _ = await encode(InferenceResponse({"a": array}), {})
    values = orjson.loads(content)["outputs"][0]["data"]
    np.testing.assert_array_equal(np.array(values, np.float32), array)
    content, headers = await encode(InferenceResponse({"a": array, "b": array}), {"a": True})
    length = int(headers["inference-header-content-length"])
    assert orjson.loads(content[:length])["outputs"][1]["data"] == values
    assert content[length:] == array.tobytes()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
TENSOR = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("face") | JSON,
        "datatype": st.sampled_from(["UINT8", "FP32", "FP16", "BYTES", "BOOL"]) | JSON,
        "shape": st.lists(st.integers(-1, 5), max_size=4) | JSON,
        "data": st.lists(st.integers(-1, 300) | st.floats() | st.text(max_size=3)) | JSON,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 20)}) | JSON,
    },
)
BODY = st.fixed_dictionaries(
    {"inputs": st.lists(TENSOR, max_size=3) | JSON},
    optional={"outputs": JSON, "parameters": JSON, "id": JSON},
)


@settings(max_examples=400 * SOAK, deadline=None)
@given(BODY, st.binary(max_size=30))
def test_any_body_is_read_or_refused(body, tail):
    COUNTS["REST bodies"] += 1
    head = json.dumps(body).encode()
    try:
        decode_request(head + tail, "m", str(len(head)))
    except ServingError as error:
        assert error.http_status == 400


@settings(max_examples=200 * SOAK, deadline=None)
@given(st.binary(max_size=100), st.none() | st.text(max_size=5))
def test_any_bytes_are_read_or_refused(body, length):
    COUNTS["REST bodies"] += 1
    try:
        decode_request(body, "m", length)
    except ServingError as error:
        assert error.http_status == 400
