"""JSON tensors: what they cost follows from their text, whatever it says."""

import time
import tracemalloc

import numpy as np
import pytest

from serving.errors import InvalidRequest, InvalidTensor, TooLarge
from serving.messages import MAX_STRINGS
from serving.rest.codec import decode_request
from serving.rest.envelope import MAX_FIELD, MAX_OBJECTS
from serving.rest.json_values import PIECE, WINDOW, read_values

MEGABYTE = 2**20
LIMIT = 16 * MEGABYTE


def read(datatype: str, shape: list[int], text: str) -> np.ndarray:
    return read_values("x", datatype, shape, text.encode(), LIMIT)


@pytest.mark.parametrize("count", [1, 2, PIECE // 2, PIECE, PIECE + 1, 100_000])
@pytest.mark.parametrize("gap", [",", " , ", ",\n  "])
def test_values_across_pieces(count, gap):
    wanted = np.arange(count) % 256
    text = "[" + gap.join(map(str, wanted)) + "]"
    np.testing.assert_array_equal(read("UINT8", [count], text), wanted)
    floats = "[" + gap.join(f"{n}.5e0" for n in wanted) + "]"
    np.testing.assert_array_equal(read("FP32", [1, count], floats)[0], wanted + 0.5)


@pytest.mark.parametrize("shape", [[2, 3, 4], [1, 1, 1], [5, 1, 7], [1, 9], [300, 200]])
def test_rows_of_any_shape(shape):
    wanted = np.arange(np.prod(shape)).reshape(shape) % 256
    text = str(wanted.tolist())
    np.testing.assert_array_equal(read("UINT8", shape, text), wanted)
    np.testing.assert_array_equal(read("UINT8", [wanted.size], text), wanted.reshape(-1))


@pytest.mark.parametrize(
    "text",
    [
        "[[1,2],[3]]",
        "[[1],2]",
        "[1,[2]]",
        "[[],[1]]",
        "[[[1]],[2]]",
        "[[1][2]]",
        "[[1],[]]",
        "[,1]",
    ],
)
def test_ragged_rows_are_refused(text):
    with pytest.raises(InvalidTensor):
        read("UINT8", [2], text)


@pytest.mark.parametrize("datatype", ["UINT8", "FP32", "BOOL"])
def test_what_is_no_number_is_told_before_it_is_read(datatype):
    """The array that NumPy makes of texts is as wide as the longest, times their number."""
    text = '["' + "x" * 500_000 + '"' + ',""' * 600 + "]"
    tracemalloc.start()
    with pytest.raises(InvalidTensor, match="not " + datatype):
        read(datatype, [601], text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MEGABYTE


@pytest.mark.parametrize("value", ["0", "255", "1.5", "-0.0001e-3"])
def test_memory_follows_the_text(value):
    count = 3 * MEGABYTE
    text = "[" + ",".join([value] * count) + "]"
    datatype = "FP32" if "." in value else "UINT8"
    tracemalloc.start()
    array = read(datatype, [count], text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < array.nbytes + 2 * len(text) + 8 * MEGABYTE


def test_text_shorter_than_what_it_says():
    count = 4 * MEGABYTE
    with pytest.raises(TooLarge):
        read("FP64", [count], "[" + ",".join(["0"] * count) + "]")


@pytest.mark.parametrize("digits", [20, 400, 5000, PIECE + 10, 2 * MEGABYTE])
def test_numbers_of_many_digits(digits):
    text = f"[{'9' * digits}]"
    for datatype in ("UINT8", "INT64", "UINT64", "FP32"):
        if datatype == "FP32" and digits == 20:
            continue
        begun = time.perf_counter()
        with pytest.raises(InvalidTensor):
            read(datatype, [1], text)
        assert time.perf_counter() - begun < 2


def test_many_strings_are_refused():
    with pytest.raises(InvalidTensor, match=f"more than {MAX_STRINGS}"):
        read("BYTES", [200_000], "[" + ",".join(['""'] * 200_000) + "]")


@pytest.mark.parametrize("wide", ["\N{GRINNING FACE}", "\\ud83d\\ude00", "\\u20ac"])
def test_a_long_wide_text_is_refused(wide):
    with pytest.raises(InvalidTensor, match="ASCII"):
        read("BYTES", [1], f'["{"x" * 100_000}{wide}"]')
    assert read("BYTES", [1], f'["{"x" * 1000}{wide}"]').shape == (1,)


def test_a_wide_character_between_two_windows_is_seen():
    for shift in range(8):
        text = '["' + "x" * (WINDOW - 2 - shift) + "\\ud83d\\ude00" + '"]'
        with pytest.raises(InvalidTensor, match="ASCII"):
            read("BYTES", [1], text)


@pytest.mark.parametrize("rows", [2 * MEGABYTE, 5 * MEGABYTE])
def test_rows_without_a_value_take_little_memory(rows):
    text = "[" + ",".join(["[]"] * rows) + "]"
    for shape in ([rows], [1]):
        tracemalloc.start()
        with pytest.raises(InvalidTensor):
            read("UINT8", shape, text)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 3.5 * len(text) + 4 * MEGABYTE


def test_long_texts_keep_their_escapes():
    text = "\\/" * 50_000 + "\\u002b\\n"
    assert read("BYTES", [1], f'["{text}"]')[0] == b"/" * 50_000 + b"+\n"


def test_many_objects_are_refused():
    body = b'{"inputs":[' + b",".join([b'{"name":""}'] * (MAX_OBJECTS + 1)) + b"]}"
    with pytest.raises(InvalidRequest, match="objects"):
        decode_request(body, "m", None)


@pytest.mark.parametrize("member", ["id", "parameters", "outputs"])
def test_a_long_member_is_refused(member):
    body = f'{{"inputs":[],"{member}":[{"0," * MAX_FIELD}0]}}'.encode()
    with pytest.raises(InvalidRequest, match=f"'{member}' has more than"):
        decode_request(body, "m", None)


@pytest.mark.parametrize("value", ['{"a":1}', "true", "1", "[]"])
def test_an_id_that_is_no_text_is_refused(value):
    with pytest.raises(InvalidRequest, match="'id' needs text"):
        decode_request(f'{{"inputs":[],"id":{value}}}'.encode(), "m", None)
