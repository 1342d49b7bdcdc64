"""Check what a gRPC ModelInferRequest would cost before protobuf reads it.

Protobuf makes up to a hundred bytes of objects out of one on the wire; raw contents alone it
leaves as they are. So the fields are counted, and what is not raw is small or refused.
"""

from collections.abc import Iterator
from typing import NamedTuple

from serving.errors import InvalidRequest, TooLarge
from serving.messages import MAX_HEAD_BYTES

INPUTS, RAW_CONTENTS = 5, 7  # fields of a ModelInferRequest
CONTENTS = 5  # field of an InferInputTensor
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
MAX_TYPED_BYTES = 2**20  # of typed contents
MAX_FIELDS = 4096  # of a message
SMALL = 16 * 2**10  # bytes of an input whose contents count as part of the head


class Field(NamedTuple):
    """A field of a message: its number and wire type, and where its value lies."""

    number: int
    kind: int
    start: int
    end: int


def check_message(message: bytes) -> int:
    """Return the bytes of typed contents of a ModelInferRequest.

    Raises InvalidRequest where it isn't one, or TooLarge.
    """
    view, head, typed = memoryview(message), 0, 0
    for number, kind, start, end in list_fields(view):
        if (number, kind) == (RAW_CONTENTS, BYTES):
            continue
        head += end - start + 2
        if (number, kind) == (INPUTS, BYTES) and end - start > SMALL:
            found = list_fields(view[start:end])
            size = sum(f.end - f.start for f in found if (f.number, f.kind) == (CONTENTS, BYTES))
            head, typed = head - size, typed + size
        if head > MAX_HEAD_BYTES:
            raise TooLarge(f"The message has more than {MAX_HEAD_BYTES} bytes beside its tensors.")
        if typed > MAX_TYPED_BYTES:
            raise TooLarge(f"Above {MAX_TYPED_BYTES} bytes of typed contents, send raw contents.")
    return typed


def list_fields(view: memoryview) -> Iterator[Field]:
    """List the fields of a message; raises InvalidRequest where it isn't one."""
    start, count, size = 0, 0, len(view)
    while start < size:
        tag, start = read_varint(view, start)
        kind = tag & 7
        if kind == VARINT:
            _, end = read_varint(view, start)
        elif kind == BYTES:
            length, start = read_varint(view, start)
            end = start + length
        else:
            end = start + {FIXED64: 8, FIXED32: 4}.get(kind, size + 1)
        count += 1
        if end > size or count > MAX_FIELDS or not tag >> 3:
            raise InvalidRequest("The message is not a valid ModelInferRequest.")
        yield Field(tag >> 3, kind, start, end)
        start = end


def read_varint(view: memoryview, start: int) -> tuple[int, int]:
    """Return the number at `start`, and where it ends."""
    value = 0
    for shift, byte in zip(range(0, 70, 7), view[start : start + 10], strict=False):
        value |= (byte & 127) << shift
        if byte < 128:
            return value, start + shift // 7 + 1
    raise InvalidRequest("The message is not a valid ModelInferRequest.")
