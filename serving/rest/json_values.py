"""The values of a JSON tensor, read a piece at a time.

Neither the memory nor the time that a tensor takes may grow faster than its text: no list of
all values is made, an array is made only once its size is known, and each piece holds the
interpreter's lock for about a millisecond.
"""

import re
from collections.abc import Iterator

import numpy as np
import orjson
from numpy.typing import NDArray

from serving.errors import InvalidTensor
from serving.messages import MAX_DIMENSIONS, MAX_STRINGS, check_size, count_elements, numpy_dtype

PIECE = 32 * 2**10  # bytes of text whose values are Python objects at one time
WINDOW = 2**20  # bytes of text that are looked through at once
SPACES = b" \t\r\n"
INTEGERS = b"0123456789-"
CHARACTERS = {"b": b"truefals", "u": INTEGERS, "i": INTEGERS, "f": INTEGERS + b"+.eE"}
VALUE_KINDS = {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}  # a dtype's kind -> those of its values
FLATTEN = bytes.maketrans(b"[]", b"  ")
WIDE = re.compile(rb"\\u(?!00)")  # an escaped character of more than one byte
ESCAPE = 6  # bytes of an escaped character, which may lie across two windows

Text = bytes | memoryview


def read_values(name: str, datatype: str, shape: list[int], text: Text, limit: int) -> NDArray:
    """Read the JSON text of a tensor's values, flat or in rows, into an array of its shape.

    No value is rounded or cut off. `limit` is the most bytes that the array may have.
    Raises InvalidTensor, or TooLarge.
    """
    if datatype == "FP16":
        raise InvalidTensor(f"Tensor '{name}': FP16 has no JSON form; send it as binary data.")
    if datatype == "BYTES":
        values = read_strings(name, text)
        if values.size != count_elements(name, shape):
            raise InvalidTensor(
                f"Tensor '{name}' has {values.size} values, its shape {shape[:8]} another."
            )
        return values.reshape(shape)
    check_size(name, datatype, shape, limit)
    return read_numbers(name, datatype, shape, text)


def read_numbers(name: str, datatype: str, shape: list[int], text: Text) -> NDArray:
    """Read numbers or truth values into an array."""
    dtype = numpy_dtype(name, datatype)
    count = count_elements(name, shape)
    if bytes(text[:1]) != b"[":
        text = b"[" + bytes(text[: PIECE + 1]) + b"]"  # one value as it is
    structure = read_structure(name, datatype, CHARACTERS[dtype.kind], text, count)
    check_rows(name, structure)
    found = structure.count(b",") + 1
    if found == 1 and not any(
        window.translate(None, SPACES + b"[]") for window in cut_windows(text)
    ):
        found = 0
    if found != count:
        raise InvalidTensor(f"Tensor '{name}' has {found} values, its shape {shape[:8]} another.")
    values = np.empty(count, dtype)
    done = 0
    for piece in cut_pieces(name, text) if count else ():
        part = convert_piece(name, datatype, piece)
        values[done : done + len(part)] = part
        done += len(part)
    return values.reshape(shape)


def cut_windows(text: Text) -> Iterator[bytes]:
    """Cut the text into windows."""
    for start in range(0, len(text), WINDOW):
        yield bytes(text[start : start + WINDOW])


def read_structure(name: str, datatype: str, allowed: bytes, text: Text, count: int) -> bytearray:
    """Return the brackets and commas of the text, once nothing but values stands between them.

    Raises InvalidTensor as soon as there is more than `count` values can have.
    """
    structure, commas = bytearray(), 0
    for window in cut_windows(text):
        part = window.translate(None, allowed + SPACES)
        if part.translate(None, b"[],"):
            raise InvalidTensor(f"Tensor '{name}' has values that are not {datatype}.")
        commas += part.count(b",")
        if commas > count:
            raise InvalidTensor(f"Tensor '{name}' has more values than its shape, {count}.")
        structure += part
    return structure


def check_rows(name: str, structure: bytearray) -> None:
    """Raise InvalidTensor unless the rows of every level have the same length."""
    depth = 0
    while depth <= MAX_DIMENSIONS and structure[depth : depth + 1] == b"[":
        depth += 1
    if depth > MAX_DIMENSIONS:
        raise InvalidTensor(f"Tensor '{name}' has more than {MAX_DIMENSIONS} levels of rows.")
    row = structure[depth - 1 : structure.find(b"]") + 1]
    for level in range(1, depth):
        start = depth - 1 - level
        end = structure.find(b"]" * (level + 1)) + level + 1
        rows = (end - start - 1) // (len(row) + 1)
        row = (row + b",") * max(rows, 1)  # one copy: the text of rows may be long
        row[-1:] = b"]"
        row[:0] = b"["
    if row != structure:
        raise InvalidTensor(f"Tensor '{name}' has rows of different lengths.")


def cut_pieces(name: str, text: Text) -> Iterator[bytes]:
    """Cut the text between values into lists without rows."""
    start = 0
    while start < len(text):
        piece = bytes(text[start : start + PIECE])
        if start + PIECE < len(text):
            comma = piece.rfind(b",")
            if comma < 0:
                raise InvalidTensor(f"Tensor '{name}' has a value of more than {PIECE} bytes.")
            piece = piece[:comma]
        start += len(piece) + 1
        yield b"[" + piece.translate(FLATTEN) + b"]"


def convert_piece(name: str, datatype: str, piece: bytes) -> NDArray:
    """Convert a list of values, each in the range of the datatype."""
    dtype = numpy_dtype(name, datatype)
    outside = InvalidTensor(f"Tensor '{name}' has values outside {datatype}.")
    try:
        values = np.asarray(orjson.loads(piece))
    except orjson.JSONDecodeError:  # beyond any number, or a row without a value
        raise outside from None
    if values.dtype.kind not in VALUE_KINDS[dtype.kind]:
        raise outside
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if values.min() < limits.min or values.max() > limits.max:
            raise outside
    try:
        with np.errstate(over="raise"):
            return values.astype(dtype)
    except FloatingPointError:
        raise outside from None


def is_wide(part: Text) -> bool:
    """Check whether text has a character of more than one byte, escaped or as it is."""
    window = bytes(part)
    return not window.isascii() or WIDE.search(window) is not None


def read_strings(name: str, text: Text) -> NDArray:
    """Read strings into a flat array of bytes.

    A long text needs to be ASCII: one wide character makes all of a string's take four bytes.
    """
    if len(text) > PIECE:
        marks = sum(
            window.count(mark) for window in cut_windows(text) for mark in (b",", b"[", b"{")
        )
        if marks > MAX_STRINGS:
            raise InvalidTensor(f"Tensor '{name}' has more than {MAX_STRINGS} values.")
        if any(is_wide(text[i : i + WINDOW + ESCAPE]) for i in range(0, len(text), WINDOW)):
            raise InvalidTensor(f"Tensor '{name}' has long strings that are not ASCII.")
    try:
        values = np.array(orjson.loads(text), np.object_).reshape(-1)
    except ValueError:
        raise InvalidTensor(f"Tensor '{name}' has rows of different lengths.") from None
    if not all(isinstance(value, str) for value in values):
        raise InvalidTensor(f"Tensor '{name}' of BYTES needs strings.")
    for i, value in enumerate(values):
        values[i] = value.encode()
    return values
