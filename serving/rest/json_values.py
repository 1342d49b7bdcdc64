"""JSON to tensors. What parsing costs is bounded by counts that are made before it."""

from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from serving.errors import InvalidRequest, InvalidTensor, TooLarge
from serving.messages import DTYPES, MAX_DIMENSIONS, MAX_STRINGS, check_tensor

LIMITS = {  # of a body's JSON: all of these become Python objects at one time
    b",": ("values", 2**20),  # 113 faces of 96x96
    b"[": ("lists", 2**16),
    b'"': ("quotes", 4 * MAX_STRINGS),
    b"{": ("objects", 1024),
}
MAX_NUMBERS_BYTES = 4 * 2**20  # of JSON whose bytes are mostly numbers, and not a picture's text
FEW_VALUES = 2**16
MAX_WIDE_BYTES = 2**20  # of JSON with characters beyond Latin-1, which names and ids may have
CONVERT_VALUES = 2**12  # that become an array at once: each call holds the GIL for 0.3 ms
KINDS: dict[str, set[type]] = {
    "b": {bool},
    "u": {int},
    "i": {int},
    "f": {int, float},
}  # a dtype's kind -> of Python


def load_json(text: bytes) -> Any:
    """Parse JSON. Raises TooLarge, before it is parsed, or InvalidRequest."""
    for mark, (name, most) in LIMITS.items():
        if text.count(mark) > most:
            raise TooLarge(
                f"The JSON has more than {most} {name}; send tensors as binary data after it."
            )
    if len(text) > MAX_NUMBERS_BYTES and text.count(b",") > FEW_VALUES:
        raise TooLarge(
            f"The JSON has more than {MAX_NUMBERS_BYTES} bytes of numbers; "
            "send tensors as binary data after it."
        )
    if len(text) > MAX_WIDE_BYTES and is_wide(text):
        raise TooLarge(
            f"The JSON has more than {MAX_WIDE_BYTES} bytes and characters beyond ASCII; "
            "send tensors as binary data after it."
        )
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.") from None


def is_wide(text: bytes) -> bool:
    """Check for characters of which a string takes up to 4 bytes each: one makes all of it wide."""
    return not text.isascii() or text.count(b"\\u") > text.count(b"\\u00")


def read_values(name: str, datatype: str, shape: list[int], data: object, limit: int) -> NDArray:
    """Make the values of a tensor, flat or in rows, an array; none is rounded or cut off.

    `limit` is the most bytes that the array may have. Raises InvalidTensor or TooLarge.
    """
    if datatype == "FP16":
        raise InvalidTensor(f"Tensor '{name}': FP16 has no JSON form; send it as binary data.")
    dtype, count = check_tensor(name, datatype, shape)
    # Text can be shorter than what it says: two bytes of JSON are eight of an FP64.
    if (size := count * dtype.itemsize) > limit:
        raise TooLarge(f"Tensor '{name}' takes {size} bytes; {limit} is the limit.")
    values = flatten_rows(name, data)
    if len(values) != count:
        raise InvalidTensor(
            f"Tensor '{name}' has {len(values)} values, its shape {shape} another number."
        )
    array = np.empty(count, dtype)
    for start in range(0, count, CONVERT_VALUES):
        part = values[start : start + CONVERT_VALUES]
        array[start : start + len(part)] = convert_values(name, datatype, part)
    return array.reshape(shape)


def flatten_rows(name: str, data: object) -> list[Any]:
    """Flatten rows of equal lengths; a single value is a row of one."""
    values: list[Any] = data if isinstance(data, list) else [data]
    for _ in range(MAX_DIMENSIONS):
        if not values or type(values[0]) is not list:
            return values
        if set(map(type, values)) != {list} or len(set(map(len, values))) > 1:
            raise InvalidTensor(f"Tensor '{name}' has rows of different lengths.")
        values = list(chain.from_iterable(values))
    raise InvalidTensor(f"Tensor '{name}' has more than {MAX_DIMENSIONS} levels of rows.")


def convert_values(name: str, datatype: str, values: list[Any]) -> NDArray | list[bytes]:
    """Convert values to the datatype, each within its range."""
    kinds = set(map(type, values))
    if datatype == "BYTES":
        if kinds != {str}:
            raise InvalidTensor(f"Tensor '{name}' of BYTES needs strings.")
        return [value.encode() for value in values]
    dtype = DTYPES[datatype]
    if not kinds <= KINDS[dtype.kind]:
        raise InvalidTensor(f"Tensor '{name}' has values that are not {datatype}.")
    try:
        with np.errstate(over="raise"):
            return np.array(values, np.float64 if dtype.kind == "f" else dtype).astype(dtype)
    except (OverflowError, FloatingPointError):
        raise InvalidTensor(f"Tensor '{name}' has values outside {datatype}.") from None
