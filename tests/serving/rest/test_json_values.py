"""JSON tensors: their values, and what they cost, which is bounded before they are parsed."""

import time
import tracemalloc

import numpy as np
import pytest

from serving.errors import InvalidRequest, InvalidTensor, TooLarge
from serving.messages import MAX_STRINGS
from serving.rest.codec import MAX_ID, decode_request
from serving.rest.json_values import CONVERT_VALUES, LIMITS, MAX_WIDE_BYTES, load_json, read_values

MEGABYTE = 2**20
LIMIT = 16 * MEGABYTE


def read(datatype: str, shape: list[int], text: str) -> np.ndarray:
    return read_values("x", datatype, shape, load_json(text.encode()), LIMIT)


@pytest.mark.parametrize("count", [1, CONVERT_VALUES, CONVERT_VALUES + 1, 100_000])
def test_values_across_parts(count):
    wanted = np.arange(count) % 256
    text = "[" + " ,\n".join(map(str, wanted)) + "]"
    np.testing.assert_array_equal(read("UINT8", [count], text), wanted)
    floats = "[" + ",".join(f"{n}.5e0" for n in wanted) + "]"
    np.testing.assert_array_equal(read("FP32", [1, count], floats)[0], wanted + 0.5)


@pytest.mark.parametrize("shape", [[2, 3, 4], [1, 1, 1], [5, 1, 7], [1, 9], [300, 200], [1] * 8])
def test_rows_of_any_shape(shape):
    wanted = np.arange(np.prod(shape)).reshape(shape) % 256
    text = str(wanted.tolist())
    np.testing.assert_array_equal(read("UINT8", shape, text), wanted)
    np.testing.assert_array_equal(read("UINT8", [wanted.size], text), wanted.reshape(-1))


@pytest.mark.parametrize(
    "text",
    ["[[1,2],[3]]", "[[1],2]", "[1,[2]]", "[[],[1]]", "[[[1]],[2]]", "[[1],[]]", "[" * 9 + "]" * 9],
)
def test_ragged_rows_are_refused(text):
    with pytest.raises(InvalidTensor):
        read("UINT8", [2], text)


@pytest.mark.parametrize("datatype", ["UINT8", "FP32", "BOOL"])
def test_texts_among_numbers_take_little_memory(datatype):
    """The array that NumPy makes of texts is as wide as the longest, times their number."""
    text = '["' + "x" * 500_000 + '"' + ',""' * 600 + "]"
    tracemalloc.start()
    with pytest.raises(InvalidTensor, match="not " + datatype):
        read(datatype, [601], text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * MEGABYTE


FILLED = {b",": "0,", b"[": "[],", b'"': '"",', b"{": "{},"}


@pytest.mark.parametrize("mark", FILLED)
def test_what_would_be_too_many_objects_is_refused_unparsed(mark, monkeypatch):
    name, most = LIMITS[mark]
    body = f'{{"inputs":[{FILLED[mark] * (most + 2)}0]}}'.encode()
    monkeypatch.setattr("serving.rest.json_values.orjson.loads", None)
    with pytest.raises(TooLarge, match=f"more than {most} {name}; send"):
        decode_request(body, "m", None)


def test_many_bytes_of_numbers_are_refused_and_pictures_are_not():
    long = "[" + ",".join(["0.123456789012345"] * 300_000) + "]"
    with pytest.raises(TooLarge, match="bytes of numbers; send"):
        read("FP32", [300_000], long)
    assert len(read("BYTES", [1], '["' + "x" * 8 * MEGABYTE + '"]')[0]) == 8 * MEGABYTE


@pytest.mark.parametrize("text", ['"é"', '"\\u0100"', '"\\u00e9"'])
def test_characters_beyond_latin_1_make_all_of_a_text_wide(text):
    long = text[:-1] + "x" * MAX_WIDE_BYTES + '"'
    if text == '"\\u00e9"':
        assert len(load_json(long.encode())) == MAX_WIDE_BYTES + 1
    else:
        with pytest.raises(TooLarge, match="beyond ASCII"):
            load_json(long.encode())


@pytest.mark.parametrize("value", ["255", "0.5"])
def test_the_most_values_take_bounded_memory(value):
    count = LIMITS[b","][1] - 2
    text = "[" + ",".join([value] * count) + "]"
    tracemalloc.start()
    read("FP32" if "." in value else "UINT8", [count], text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 * len(text)


def test_text_shorter_than_what_it_says():
    count = 3 * MEGABYTE
    with pytest.raises(TooLarge, match="is the limit"):
        read("FP64", [count], "[0]")


@pytest.mark.parametrize("digits", [20, 400, 5000, 2 * MEGABYTE])
def test_numbers_of_many_digits(digits):
    text = f"[{'9' * digits}]"
    for datatype in ("UINT8", "INT64", "UINT64", "FP32"):
        if datatype == "FP32" and digits == 20:
            continue
        begun = time.process_time()
        with pytest.raises((InvalidTensor, InvalidRequest)):
            read(datatype, [1], text)
        assert time.process_time() - begun < 5


def test_strings_keep_their_characters_and_escapes():
    text = "\\/" * 50_000 + "\\u002b\\n\N{GRINNING FACE}"
    wanted = b"/" * 50_000 + "+\n\N{GRINNING FACE}".encode()
    assert read("BYTES", [1], f'["{text}"]')[0] == wanted
    assert read("BYTES", [MAX_STRINGS], str([""] * MAX_STRINGS).replace("'", '"')).size
    with pytest.raises(InvalidTensor, match="more than 4096 values"):
        read("BYTES", [MAX_STRINGS + 1], str([""] * (MAX_STRINGS + 1)).replace("'", '"'))


@pytest.mark.parametrize("value", ['{"a":1}', "true", "1", "[1]", f'"{"x" * (MAX_ID + 1)}"'])
def test_an_id_that_is_not_a_short_text_is_refused(value):
    with pytest.raises(InvalidRequest, match="'id' needs text"):
        decode_request(f'{{"inputs":[],"id":{value}}}'.encode(), "m", None)
