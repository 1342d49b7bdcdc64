"""The values of long typed contents, read off the wire a piece at a time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from serving.errors import InvalidTensor
from serving.grpc.wire import BYTES, list_fields
from serving.messages import MAX_STRINGS, check_size, count_elements, numpy_dtype

PIECE = 64 * 2**10  # bytes whose values are made at once
MAX_VARINT_BYTES = 10  # bytes of a varint
FIELDS = {  # datatype -> the field of InferTensorContents that carries it
    "BOOL": 1,
    "INT8": 2,
    "INT16": 2,
    "INT32": 2,
    "INT64": 3,
    "UINT8": 4,
    "UINT16": 4,
    "UINT32": 4,
    "UINT64": 5,
    "FP32": 6,
    "FP64": 7,
    "BYTES": 8,
}


def read_long_contents(
    name: str, datatype: str, shape: list[int], contents: memoryview, limit: int
) -> NDArray:
    """Read an InferTensorContents into an array of at most `limit` bytes; no value is cut off.

    Raises InvalidTensor or TooLarge.
    """
    fields = list(list_fields(contents))
    if datatype not in FIELDS:
        raise InvalidTensor(f"Tensor '{name}' of {datatype} needs raw contents.")
    if any(found.number != FIELDS[datatype] or found.kind != BYTES for found in fields):
        raise InvalidTensor(
            f"Tensor '{name}' has contents that are no packed {datatype}; raw contents are better."
        )
    values = [contents[found.start : found.end] for found in fields]
    count = count_elements(name, shape)
    if datatype == "BYTES":
        if len(values) != count or count > MAX_STRINGS:
            raise InvalidTensor(f"Tensor '{name}' has {len(values)} values, its shape another.")
        array = np.empty(count, np.object_)
        array[:] = [bytes(value) for value in values]
        return array.reshape(shape)
    if len(values) != 1:
        raise InvalidTensor(f"Tensor '{name}' has its contents in {len(values)} parts, not one.")
    check_size(name, datatype, shape, limit)
    return read_packed(name, datatype, count, values[0]).reshape(shape)


def read_packed(name: str, datatype: str, count: int, packed: memoryview) -> NDArray:
    """Read packed numbers into a flat array."""
    dtype = numpy_dtype(name, datatype)
    wrong = InvalidTensor(f"Tensor '{name}' has not the {count} values of its shape.")
    if dtype.kind == "f":
        if len(packed) != count * dtype.itemsize:
            raise wrong
        return np.frombuffer(packed, dtype.newbyteorder("<"))
    data = np.frombuffer(packed, np.uint8)
    if (
        sum(np.count_nonzero(data[i : i + PIECE] < 128) for i in range(0, len(data), PIECE))
        != count
    ):
        raise wrong
    values = np.empty(count, dtype)
    done = 0
    for piece in cut_varints(name, data):
        found = decode_varints(name, piece)
        part = found.view(np.int64) if dtype.kind == "i" else found
        limits = np.iinfo(dtype) if dtype.kind != "b" else np.iinfo(np.uint8)
        if part.min() < limits.min or part.max() > limits.max:
            raise InvalidTensor(f"Tensor '{name}' has values outside {datatype}.")
        values[done : done + len(part)] = part
        done += len(part)
    return values


def cut_varints(name: str, data: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Cut the bytes after whole varints."""
    start = 0
    while start < len(data):
        end = min(start + PIECE, len(data))
        last = np.flatnonzero(data[max(start, end - MAX_VARINT_BYTES) : end] < 128)
        if not len(last):
            raise InvalidTensor(
                f"Tensor '{name}' has values of more than {MAX_VARINT_BYTES} bytes."
            )
        end = max(start, end - MAX_VARINT_BYTES) + int(last[-1]) + 1
        yield data[start:end]
        start = end


def decode_varints(name: str, data: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Decode whole varints."""
    ends = np.flatnonzero(data < 128)
    if len(ends) == len(data):
        return data.astype(np.uint64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > MAX_VARINT_BYTES:
        raise InvalidTensor(f"Tensor '{name}' has values of more than {MAX_VARINT_BYTES} bytes.")
    values = np.zeros(len(ends), np.uint64)
    for place in range(int(lengths.max())):
        has = lengths > place
        digits = (data[starts[has] + place] & 127).astype(np.uint64)
        values[has] |= digits << np.uint64(7 * place)
    return values
