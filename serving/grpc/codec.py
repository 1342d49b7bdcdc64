"""V2 messages over gRPC, both ways: what a server reads and writes, and what a caller does."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from serving.aside import run_aside
from serving.errors import InvalidRequest, InvalidTensor
from serving.framework import pb
from serving.grpc.contents import read_long_contents
from serving.grpc.wire import Parts, split_message
from serving.messages import (
    DATATYPES,
    MAX_BYTES,
    InferenceRequest,
    InferenceResponse,
    Tensor,
    count_elements,
    make_array,
    numpy_dtype,
)

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


async def decode_message(message: bytes, limit: int) -> InferenceRequest:
    """Read a serialized ModelInferRequest, long contents without holding up other requests.

    Raises InvalidRequest, InvalidTensor or TooLarge with what is wrong.
    """
    parts = split_message(message)
    if sum(map(len, parts.contents.values())) > OFFLOAD_CONTENT_BYTES:
        return await run_aside(decode_parts, parts, limit)
    return decode_parts(parts, limit)


def decode_request(message: bytes, limit: int = MAX_BYTES) -> InferenceRequest:
    """Read a serialized ModelInferRequest as decode_message does, on this thread."""
    return decode_parts(split_message(message), limit)


def decode_parts(parts: Parts, limit: int) -> InferenceRequest:
    """Read a message in parts; raw contents become arrays without a copy.

    Raises InvalidRequest, InvalidTensor or TooLarge with what is wrong.
    """
    try:
        message = pb.ModelInferRequest.FromString(bytes(parts.head))
    except DecodeError:
        raise InvalidRequest("The message is no ModelInferRequest.") from None
    raw = parts.raw
    if raw and (parts.contents or any(map(has_contents, message.inputs))):
        raise InvalidRequest("The inputs have raw contents and typed ones; one kind is enough.")
    if raw and len(raw) != len(message.inputs):
        raise InvalidTensor(f"{len(message.inputs)} inputs come with {len(raw)} raw contents.")
    inputs: dict[str, Tensor] = {}
    for i, entry in enumerate(message.inputs):
        if entry.name in inputs:
            raise InvalidTensor(f"The input '{entry.name}' is there twice.")
        shape = list(entry.shape)
        if raw:
            array = make_array(entry.name, entry.datatype, shape, raw[i])
        else:
            numpy_dtype(entry.name, entry.datatype)
            count_elements(entry.name, shape)
            if i in parts.contents:
                found = parts.contents[i]
                array = read_long_contents(entry.name, entry.datatype, shape, found, limit)
            else:
                array = read_contents(entry, shape)
        inputs[entry.name] = Tensor(
            entry.name, entry.datatype, array, parameters=read_parameters(entry.parameters)
        )
    return InferenceRequest(
        model=message.model_name,
        inputs=inputs,
        version=message.model_version,
        id=message.id,
        outputs=tuple(output.name for output in message.outputs),
        parameters=read_parameters(message.parameters),
    )


def has_contents(entry: pb.ModelInferRequest.InferInputTensor) -> bool:
    """Check whether an input has typed contents that are not empty."""
    return entry.HasField("contents") and entry.contents.ByteSize() > 0


def read_contents(
    entry: pb.ModelInferRequest.InferInputTensor | pb.ModelInferResponse.InferOutputTensor,
    shape: list[int],
) -> NDArray:
    """Read typed contents into an array; no value is cut off."""
    field = CONTENTS.get(entry.datatype)
    if field is None:
        raise InvalidTensor(f"Tensor '{entry.name}' of {entry.datatype} needs raw contents.")
    values = getattr(entry.contents, field)
    if len(values) != count_elements(entry.name, shape):
        raise InvalidTensor(
            f"Tensor '{entry.name}' has {len(values)} values in {field}, its shape {shape} another."
        )
    dtype = numpy_dtype(entry.name, entry.datatype)
    array = np.empty(len(values), dtype)
    try:
        array[:] = values
    except OverflowError:
        raise InvalidTensor(f"Tensor '{entry.name}' has values outside {entry.datatype}.") from None
    return array.reshape(shape)


def read_parameters(parameters: Mapping[str, pb.InferParameter]) -> dict[str, object]:
    """Read parameters into plain values."""
    return {
        name: getattr(value, str(value.WhichOneof("parameter_choice")), None)
        for name, value in parameters.items()
    }


def encode_response(response: InferenceResponse) -> pb.ModelInferResponse:
    """Write the answer with raw contents, whatever form the inputs had."""
    return pb.ModelInferResponse(
        model_name=response.model,
        model_version=response.version,
        id=response.id,
        parameters={
            name: pb.InferParameter(int64_param=value)
            for name, value in response.parameters.items()
        },
        outputs=[
            pb.ModelInferResponse.InferOutputTensor(
                name=name, datatype=DATATYPES[array.dtype], shape=array.shape
            )
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
    arrays = {}
    for i, output in enumerate(response.outputs):
        shape = list(output.shape)
        if raw:
            arrays[output.name] = make_array(output.name, output.datatype, shape, raw[i])
        else:
            arrays[output.name] = read_contents(output, shape)
    return arrays


def describe_tensors(specs: Iterable[dict]) -> list[pb.ModelMetadataResponse.TensorMetadata]:
    """Write tensor descriptions as metadata messages."""
    return [pb.ModelMetadataResponse.TensorMetadata(**spec) for spec in specs]
