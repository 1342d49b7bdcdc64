"""A V2 inference request and its response, free of any transport."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.contract import TensorSpec
from serving.errors import InvalidRequest, InvalidTensor, UnknownOutput

DTYPES: dict[str, np.dtype] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(np.object_),
}
DATATYPES = {dtype: name for name, dtype in DTYPES.items()}

BINARY_SIZE, BINARY_DATA, ALL_BINARY = "binary_data_size", "binary_data", "binary_data_output"
CONTENT_TYPE = "content_type"  # what MLServer's clients say of a tensor; its datatype says it here
MAX_HEAD_BYTES = 64 * 2**10  # of a head, of metadata, and of a gRPC message beside its tensors
MAX_DIMENSIONS = 8
MAX_ELEMENTS = 2**31  # beyond what any body may hold
MAX_BYTES = 16 * 2**20  # of one tensor, where no setting says another
MAX_STRINGS = 4096  # elements of a BYTES tensor: each is a Python object


@dataclass(slots=True)
class Tensor:
    """An input tensor. `text` tells that BYTES came as JSON strings, so in base64."""

    name: str
    datatype: str
    array: NDArray
    text: bool = False
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """What comes with a request and is not of the model: its time, its headers, its place."""

    deadline: float = math.inf  # of time.monotonic()
    forward: Mapping[str, str] = field(default_factory=dict)  # headers for a service behind us
    claim: Callable[[int], None] = lambda size: None  # counts bytes that the response will take
    picture: str = ""  # media type of the drawn picture that is wanted instead of the outputs


@dataclass(slots=True)
class InferenceRequest:
    """What a caller asks of a model, however it came in.

    `outputs` are the names asked for, empty for the model's default ones;
    `binary_outputs` tells which of them REST shall send raw, "" being all others.
    """

    model: str
    inputs: dict[str, Tensor]
    version: str = ""
    id: str = ""
    outputs: tuple[str, ...] = ()
    binary_outputs: Mapping[str, bool] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class InferenceResponse:
    """A model's response: named arrays, and the seconds that each stage took.

    Model.infer fills in whose it is, and the id that the caller gave the request.
    """

    outputs: dict[str, NDArray]
    timings: dict[str, float] = field(default_factory=dict)
    items: int = 1  # faces or pictures answered
    landmarks: str = ""  # digest of the landmark set that it is of
    model: str = ""
    version: str = ""
    id: str = ""
    picture: bytes = b""  # the drawn one, where the request wants it
    parameters: dict[str, int | str] = field(default_factory=dict)


def check_parameters(parameters: Iterable[str], accepted: Sequence[str]) -> None:
    """Raise InvalidRequest for a parameter that would be passed over, with what is accepted."""
    for name in parameters:
        if name not in (*accepted, CONTENT_TYPE):
            raise InvalidRequest(
                f"The parameter '{name}' does nothing here; accepted is "
                f"{', '.join(accepted) or 'none'}."
            )


def make_array(name: str, datatype: str, shape: list[int], raw: bytes | memoryview) -> NDArray:
    """View raw row-major bytes as an array, without a copy.

    Raises InvalidTensor when the byte count does not fit the shape.
    """
    dtype, count = check_tensor(name, datatype, shape)
    if datatype == "BYTES":
        return split_bytes(name, count, raw).reshape(shape)
    if len(raw) != count * dtype.itemsize:
        raise InvalidTensor(
            f"Tensor '{name}' has {len(raw)} bytes, but {datatype} {shape} "
            f"takes {count * dtype.itemsize}."
        )
    return np.frombuffer(raw, dtype).reshape(shape)


def split_bytes(name: str, count: int, raw: bytes | memoryview) -> NDArray:
    """Split the elements of a raw BYTES tensor, each behind its length (4 bytes, LE)."""
    items: list[bytes] = []
    start = 0
    while start < len(raw) and len(items) <= count:
        end = start + 4 + int.from_bytes(raw[start : start + 4], "little")
        if start + 4 > len(raw) or end > len(raw):
            raise InvalidTensor(f"Tensor '{name}' ends in the middle of an element.")
        items.append(bytes(raw[start + 4 : end]))
        start = end
    if len(items) != count:
        raise InvalidTensor(f"Tensor '{name}' does not have the {count} elements of its shape.")
    array = np.empty(count, np.object_)
    array[:] = items
    return array


def check_tensor(name: str, datatype: object, shape: object) -> tuple[np.dtype, int]:
    """Return a tensor's NumPy type and number of elements, as far as they are within bounds."""
    dtype = DTYPES.get(datatype) if isinstance(datatype, str) else None
    if dtype is None:
        raise InvalidTensor(
            f"Tensor '{name}' has no known datatype; there are {', '.join(DTYPES)}."
        )
    if not isinstance(shape, list | tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise InvalidTensor(f"Tensor '{name}' needs a shape of whole numbers from 0 up.")
    # Lengths beside a zero count, too: NumPy multiplies them out.
    if len(shape) > MAX_DIMENSIONS or math.prod(n for n in shape if n) > MAX_ELEMENTS:
        raise InvalidTensor(f"Tensor '{name}' has a shape too large to be real.")
    count = math.prod(shape)
    if datatype == "BYTES" and count > MAX_STRINGS:
        raise InvalidTensor(f"Tensor '{name}' has more than {MAX_STRINGS} values.")
    return dtype, count


def resolve_outputs(
    asked: tuple[str, ...], default: tuple[TensorSpec, ...], extra: tuple[TensorSpec, ...] = ()
) -> tuple[str, ...]:
    """Return the outputs to compute: the default ones, or those asked for, if all exist."""
    known = tuple(spec.name for spec in (*default, *extra))
    for name in asked:
        if name not in known:
            raise UnknownOutput(f"There is no output '{name}'; there are {', '.join(known)}.")
    return asked or tuple(spec.name for spec in default)
