"""Bytes of a REST body to an InferenceRequest, and an InferenceResponse to bytes."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from serving.errors import InvalidRequest, InvalidTensor
from serving.messages import (
    DATATYPES,
    InferenceRequest,
    InferenceResponse,
    Tensor,
    count_elements,
    find_dtype,
    make_array,
)

BINARY_HEADER = "inference-header-content-length"
LONG = 256 * 2**10  # bytes of JSON from which on a thread reads it, not the event loop
PIECE = 2**14  # values written as JSON at once; each call holds the interpreter's lock


def decode_picture(body: bytes, model: str, parameters: Mapping[str, object]) -> InferenceRequest:
    """Make a plain picture body the request that has it as its only `image`."""
    array = np.empty(1, np.object_)
    array[0] = body
    return InferenceRequest(
        model, {"image": Tensor("image", "BYTES", array)}, parameters=parameters
    )


async def decode_body(body: bytes, model: str, header_length: str | None) -> InferenceRequest:
    """Read a V2 body as decode_request does, long JSON without holding up other requests."""
    if read_length(header_length, len(body)) > LONG:
        return await asyncio.to_thread(decode_request, body, model, header_length)
    return decode_request(body, model, header_length)


def decode_request(body: bytes, model: str, header_length: str | None) -> InferenceRequest:
    """Read a V2 JSON body, and the binary tensors that follow its first header_length bytes.

    Binary tensors are views of the body. Raises InvalidRequest or InvalidTensor with
    what is wrong.
    """
    json_length = read_length(header_length, len(body))
    raw = memoryview(body)
    try:
        content = orjson.loads(raw[:json_length])
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.") from None
    if not isinstance(content, dict) or not isinstance(content.get("inputs"), list):
        raise InvalidRequest("The body needs an object with a list 'inputs'.")
    inputs: dict[str, Tensor] = {}
    start = json_length
    for entry in content["inputs"]:
        tensor, start = decode_tensor(entry, raw, start)
        if tensor.name in inputs:
            raise InvalidRequest(f"The input '{tensor.name}' is there twice.")
        inputs[tensor.name] = tensor
    if start != len(body):
        raise InvalidRequest(f"{len(body) - start} bytes follow the last binary tensor.")
    parameters = read_mapping(content.get("parameters"), "parameters")
    outputs = content.get("outputs") or []
    if not isinstance(outputs, list) or not all(isinstance(o, dict) for o in outputs):
        raise InvalidRequest("'outputs' needs a list of objects with a 'name'.")
    request_id = content.get("id")
    return InferenceRequest(
        model=model,
        inputs=inputs,
        id="" if request_id is None else str(request_id),
        outputs=tuple(str(output.get("name")) for output in outputs),
        binary_outputs=find_binary_outputs(outputs, parameters),
        parameters=parameters,
    )


def read_length(header_length: str | None, body_length: int) -> int:
    """Read how many bytes of the body are JSON; without a header, all are."""
    if header_length is None:
        return body_length
    digits = header_length.isascii() and header_length.isdecimal() and len(header_length) < 20
    if not digits or int(header_length) > body_length:
        raise InvalidRequest("Inference-Header-Content-Length is no length within the body.")
    return int(header_length)


def read_mapping(value: object, name: str) -> dict[str, Any]:
    """Read an optional JSON object."""
    if value is not None and not isinstance(value, dict):
        raise InvalidRequest(f"'{name}' needs an object.")
    return value or {}


def find_binary_outputs(outputs: list[dict], parameters: dict[str, Any]) -> Mapping[str, bool]:
    """Tell for each output, and for '' (all others), whether it is wanted as raw bytes."""
    wanted = {"": parameters.get("binary_data_output") is True}
    for output in outputs:
        flag = read_mapping(output.get("parameters"), "parameters").get("binary_data")
        if flag is not None:  # an output's own flag wins over the request's
            wanted[str(output.get("name"))] = flag is True
    return wanted


def decode_tensor(entry: object, body: memoryview, start: int) -> tuple[Tensor, int]:
    """Read one input; gives it and where the next binary tensor starts."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise InvalidRequest("Each input needs an object with a 'name'.")
    name, datatype, shape = entry["name"], entry.get("datatype"), entry.get("shape")
    find_dtype(name, datatype)
    count_elements(name, shape)
    parameters = read_mapping(entry.get("parameters"), "parameters")
    size = parameters.get("binary_data_size")
    if size is not None:
        if type(size) is not int or not 0 <= size <= len(body) - start:
            raise InvalidTensor(f"Tensor '{name}' has a binary_data_size beyond the body.")
        array = make_array(name, str(datatype), shape or [], body[start : start + size])
        return Tensor(name, str(datatype), array, parameters=parameters), start + size
    if "data" not in entry:
        raise InvalidTensor(f"Tensor '{name}' has neither 'data' nor 'binary_data_size'.")
    array = read_values(name, str(datatype), shape or [], entry["data"])
    return Tensor(name, str(datatype), array, datatype == "BYTES", parameters), start


def read_values(name: str, datatype: str, shape: list[int], data: object) -> NDArray:
    """Turn JSON values, flat or nested, into an array; no value is rounded or cut off."""
    dtype = find_dtype(name, datatype)
    if datatype == "FP16":
        raise InvalidTensor(f"Tensor '{name}': FP16 has no JSON form; send it as binary data.")
    if datatype == "BYTES":
        try:
            values = np.array(data, np.object_).reshape(-1)
        except ValueError:
            raise InvalidTensor(f"Tensor '{name}' has rows of different lengths.") from None
        if not all(isinstance(value, str) for value in values):
            raise InvalidTensor(f"Tensor '{name}' of BYTES needs strings.")
        values[:] = [value.encode() for value in values]
    else:
        try:
            values = np.asarray(data)
        except ValueError:
            raise InvalidTensor(f"Tensor '{name}' has rows of different lengths.") from None
        allowed = {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}[dtype.kind]
        if values.size and values.dtype.kind not in allowed:
            raise InvalidTensor(f"Tensor '{name}' has values that are not {datatype}.")
        if dtype.kind in "iu" and values.size:
            limits = np.iinfo(dtype)
            if values.min() < limits.min or values.max() > limits.max:
                raise InvalidTensor(f"Tensor '{name}' has values outside {datatype}.")
        try:
            with np.errstate(over="raise"):
                values = values.astype(dtype)
        except FloatingPointError:
            raise InvalidTensor(f"Tensor '{name}' has values outside {datatype}.") from None
    if values.size != count_elements(name, shape):
        raise InvalidTensor(f"Tensor '{name}' has {values.size} values, its shape {shape} another.")
    return values.reshape(shape)


async def encode_answer(
    request: InferenceRequest, response: InferenceResponse
) -> tuple[bytes, dict[str, str]]:
    """Write the answer as encode_response does, a long one without holding up other requests."""
    if sum(array.size for array in response.outputs.values()) > PIECE:
        return await asyncio.to_thread(encode_response, request, response)
    return encode_response(request, response)


def encode_response(
    request: InferenceRequest, response: InferenceResponse
) -> tuple[bytes, dict[str, str]]:
    """Write the answer as JSON, followed by the outputs that were asked for in binary."""
    binary = request.binary_outputs
    outputs, tail = [], []
    for name, array in response.outputs.items():
        entry: dict[str, Any] = {
            "name": name,
            "datatype": DATATYPES[array.dtype],
            "shape": array.shape,
        }
        if binary.get(name, binary.get("", False)):
            raw = array.tobytes()
            entry["parameters"] = {"binary_data_size": len(raw)}
            tail.append(raw)
        else:
            entry["data"] = write_values(array)
        outputs.append(entry)
    head = orjson.dumps(
        {
            "model_name": request.model,
            "model_version": request.version,
            "id": request.id or str(uuid.uuid4()),
            "outputs": outputs,
        }
    )
    if not tail:
        return head, {"content-type": "application/json"}
    headers = {"content-type": "application/octet-stream", BINARY_HEADER: str(len(head))}
    return b"".join([head, *tail]), headers


def write_values(array: NDArray) -> orjson.Fragment:
    """Write an array's values as one flat JSON list."""
    flat = np.ascontiguousarray(array).reshape(-1)
    pieces = [
        orjson.dumps(flat[start : start + PIECE], option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        for start in range(0, flat.size, PIECE)
    ]
    return orjson.Fragment(b"[" + b",".join(pieces) + b"]")
