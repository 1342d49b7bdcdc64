"""V2 messages over gRPC, both ways: what a server reads and writes, and what a caller does."""

import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from numpy.typing import NDArray

from serving.aside import run_aside
from serving.errors import InvalidRequest, InvalidTensor
from serving.framework import pb
from serving.grpc.wire import FIXED64, VARINT, check_message
from serving.messages import (
    ALL_BINARY,
    BINARY_DATA,
    BINARY_SIZE,
    DATATYPES,
    InferenceRequest,
    InferenceResponse,
    Tensor,
    check_parameters,
    check_tensor,
    make_array,
)

DOUBLE_PARAM, UINT64_PARAM = 4, 5  # fields of Triton's InferParameter
OFFLOAD_CONTENT_BYTES = 64 * 2**10  # bytes of typed contents from which on a thread reads them

CONTENTS = {  # datatype -> the field of InferTensorContents that carries it
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


async def decode_message(message: bytes) -> InferenceRequest:
    """Read a serialized ModelInferRequest, long contents without holding up other requests.

    Raises InvalidRequest, InvalidTensor or TooLarge with what is wrong.
    """
    if check_message(message) > OFFLOAD_CONTENT_BYTES:
        return await run_aside(parse_message, message)
    return parse_message(message)


def parse_message(message: bytes) -> InferenceRequest:
    """Read a serialized ModelInferRequest whose cost has been checked."""
    try:
        content = pb.ModelInferRequest.FromString(message)
    except DecodeError:
        raise InvalidRequest("The message is not a valid ModelInferRequest.") from None
    raw = list(content.raw_input_contents)
    if raw and any(entry.contents.ByteSize() for entry in content.inputs):
        raise InvalidRequest("The inputs have raw contents and typed ones; one kind is enough.")
    if raw and len(raw) != len(content.inputs):
        raise InvalidTensor(f"{len(content.inputs)} inputs come with {len(raw)} raw contents.")
    inputs: dict[str, Tensor] = {}
    for i, entry in enumerate(content.inputs):
        if entry.name in inputs:
            raise InvalidTensor(f"The input '{entry.name}' is there twice.")
        parameters = read_parameters(entry.parameters)
        check_parameters(parameters, (BINARY_SIZE,))
        array = read_tensor(entry, raw[i] if raw else None)
        inputs[entry.name] = Tensor(entry.name, entry.datatype, array, parameters=parameters)
    for output in content.outputs:
        check_parameters(output.parameters, (BINARY_DATA,))
    parameters = read_parameters(content.parameters)
    parameters.pop(ALL_BINARY, None)  # all are
    return InferenceRequest(
        model=content.model_name,
        inputs=inputs,
        version=content.model_version,
        id=content.id,
        outputs=tuple(output.name for output in content.outputs),
        parameters=parameters,
    )


def read_tensor(
    entry: pb.ModelInferRequest.InferInputTensor | pb.ModelInferResponse.InferOutputTensor,
    raw: bytes | None,
) -> NDArray:
    """Read a tensor's raw contents as a view, or its typed ones; no value is cut off."""
    shape = list(entry.shape)
    if raw is not None:
        return make_array(entry.name, entry.datatype, shape, raw)
    dtype, count = check_tensor(entry.name, entry.datatype, shape)
    field = CONTENTS.get(entry.datatype)
    if field is None:
        raise InvalidTensor(f"Tensor '{entry.name}' of {entry.datatype} needs raw contents.")
    values = getattr(entry.contents, field)
    if len(values) != count:
        raise InvalidTensor(
            f"Tensor '{entry.name}' has {len(values)} values in {field}, its shape {shape} another."
        )
    array = np.empty(count, dtype)
    try:
        array[:] = values
    except OverflowError:
        raise InvalidTensor(f"Tensor '{entry.name}' has values outside {entry.datatype}.") from None
    return array.reshape(shape)


def read_parameters(parameters: Mapping[str, pb.InferParameter]) -> dict[str, object]:
    """Read parameters into plain values; raises InvalidRequest where one has none."""
    return {name: read_parameter(name, value) for name, value in parameters.items()}


def read_parameter(name: str, value: pb.InferParameter) -> object:
    """Read one parameter; Triton's clients write floats and unsigned ones, which KServe lacks."""
    if choice := value.WhichOneof("parameter_choice"):
        return getattr(value, choice)
    for field in UnknownFieldSet(value):
        if (field.field_number, field.wire_type) == (DOUBLE_PARAM, FIXED64):
            return struct.unpack("<d", field.data.to_bytes(8, "little"))[0]
        if (field.field_number, field.wire_type) == (UINT64_PARAM, VARINT):
            return field.data
    raise InvalidRequest(f"The parameter '{name}' has no value.")


def encode_response(response: InferenceResponse) -> pb.ModelInferResponse:
    """Write the answer with raw contents, whatever form the inputs had."""
    return pb.ModelInferResponse(
        model_name=response.model,
        model_version=response.version,
        id=response.id,
        parameters={
            name: {"string_param" if isinstance(value, str) else "int64_param": value}
            for name, value in response.parameters.items()
        },
        outputs=[
            {"name": name, "datatype": DATATYPES[array.dtype], "shape": array.shape}
            for name, array in response.outputs.items()
        ],
        raw_output_contents=[array.tobytes() for array in response.outputs.values()],
    )


def encode_request(
    model: str,
    inputs: Mapping[str, NDArray | Sequence[bytes]],
    outputs: Iterable[str] = (),
    request_id: str = "",
) -> pb.ModelInferRequest:
    """Write a request with raw contents; a sequence of bytes becomes a BYTES tensor `[N]`."""
    request = pb.ModelInferRequest(model_name=model, id=request_id)
    for name, values in inputs.items():
        tensor = request.inputs.add(name=name)
        if isinstance(values, np.ndarray):
            tensor.datatype = DATATYPES[values.dtype]
            tensor.shape.extend(values.shape)
            request.raw_input_contents.append(values.tobytes())
        else:
            tensor.datatype = "BYTES"
            tensor.shape.append(len(values))
            raw = b"".join(len(item).to_bytes(4, "little") + item for item in values)
            request.raw_input_contents.append(raw)
    for name in outputs:
        request.outputs.add(name=name)
    return request


def decode_response(response: pb.ModelInferResponse) -> dict[str, NDArray]:
    """Read the outputs of an answer; raw contents become arrays without a copy.

    Raises InvalidTensor with what is wrong.
    """
    raw = response.raw_output_contents
    if raw and len(raw) != len(response.outputs):
        raise InvalidTensor(f"{len(response.outputs)} outputs come with {len(raw)} raw contents.")
    return {
        output.name: read_tensor(output, raw[i] if raw else None)
        for i, output in enumerate(response.outputs)
    }
