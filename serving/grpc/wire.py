"""Take a gRPC ModelInferRequest apart before protobuf reads it.

Protobuf makes up to a hundred bytes of objects out of one on the wire. So the tensors are left
as they lie in the message, and protobuf reads the rest, which is small or refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from serving.errors import InvalidRequest, TooLarge

INPUTS, RAW_CONTENTS = 5, 7  # fields of a ModelInferRequest
CONTENTS = 5  # field of an InferInputTensor
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
MAX_HEAD_BYTES = 64 * 2**10  # what a message may have beside its tensors
MAX_FIELDS = 4096  # of a message
SMALL = 16 * 2**10  # bytes of typed contents that protobuf may read


@dataclass(slots=True)
class Parts:
    """A message without its tensors, and the tensors: raw ones in order, typed ones by input."""

    head: bytearray = field(default_factory=bytearray)
    raw: list[memoryview] = field(default_factory=list)
    contents: dict[int, memoryview] = field(default_factory=dict)


class Field(NamedTuple):
    """A field of a message: its number and wire type, where it begins and where its value lies."""

    number: int
    kind: int
    begin: int
    start: int
    end: int


def split_message(message: bytes) -> Parts:
    """Split a ModelInferRequest; raises InvalidRequest or TooLarge."""
    parts = Parts()
    view = memoryview(message)
    inputs = 0
    for number, kind, begin, start, end in list_fields(view):
        if number == RAW_CONTENTS and kind == BYTES:
            parts.raw.append(view[start:end])
            continue
        if number == INPUTS and kind == BYTES:
            if end - start > SMALL:
                entry = split_input(view[start:end], parts, inputs)
                parts.head += write_varint(INPUTS << 3 | BYTES) + write_varint(len(entry)) + entry
            else:
                parts.head += view[begin:end]
            inputs += 1
        else:
            parts.head += view[begin:end]
        if len(parts.head) > MAX_HEAD_BYTES:
            raise TooLarge(f"The message has more than {MAX_HEAD_BYTES} bytes beside its tensors.")
    return parts


def split_input(view: memoryview, parts: Parts, index: int) -> bytes:
    """Return an input without its typed contents."""
    kept = bytearray()
    for found in list_fields(view):
        if found.number == CONTENTS and found.kind == BYTES and index not in parts.contents:
            parts.contents[index] = view[found.start : found.end]
        else:
            kept += view[found.begin : found.end]
    return bytes(kept)


def list_fields(view: memoryview) -> Iterator[Field]:
    """List the fields of a message; raises InvalidRequest where it is none."""
    start, count, size = 0, 0, len(view)
    while start < size:
        begin = start
        tag, start = view[start], start + 1  # in one byte, as nearly every tag and length is
        if tag > 127:
            tag, start = read_varint(view, begin)
        kind = tag & 7
        if kind == VARINT:
            _, end = read_varint(view, start)
        elif kind == BYTES:
            if start < size and (length := view[start]) < 128:
                start += 1
            else:
                length, start = read_varint(view, start)
            end = start + length
        else:
            end = start + {FIXED64: 8, FIXED32: 4}.get(kind, size + 1)
        count += 1
        if end > size or count > MAX_FIELDS or not tag >> 3:
            raise InvalidRequest("The message is no ModelInferRequest.")
        yield Field(tag >> 3, kind, begin, start, end)
        start = end


def read_varint(view: memoryview, start: int) -> tuple[int, int]:
    """Return the number at `start`, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if start >= len(view):
            break
        byte = view[start]
        start += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, start
    raise InvalidRequest("The message is no ModelInferRequest.")


def write_varint(value: int) -> bytes:
    """Write a number as protobuf does."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
