"""Bytes of a REST body to an InferenceRequest, and an InferenceResponse to bytes."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from serving.aside import run_aside
from serving.errors import InvalidRequest, InvalidTensor
from serving.messages import (
    ALL_BINARY,
    BINARY_DATA,
    BINARY_SIZE,
    DATATYPES,
    MAX_BYTES,
    InferenceRequest,
    InferenceResponse,
    Tensor,
    check_parameters,
    make_array,
)
from serving.rest.json_values import load_json, read_values

FRAME_PREFIX = 4  # bytes before a binary message of a stream: the length of its JSON, LE
BINARY_HEADER = "inference-header-content-length"
OFFLOAD_JSON_BYTES = 64 * 2**10  # bytes of JSON from which on a thread reads it, not the event loop
JSON_VALUES = 2**14  # that are written as JSON at once: each call holds the GIL
SEND_BYTES = 256 * 2**10  # of raw data that are handed to the connection at once
MAX_ID = 64 * 2**10  # characters; it comes back in the answer
KEYS = ("id", "model_name", "model_version", "inputs", "outputs", "parameters")  # of a request
INPUT_KEYS = ("name", "datatype", "shape", "data", "parameters")
OUTPUT_KEYS = ("name", "parameters")

Piece = bytes | memoryview


def decode_picture(body: bytes, model: str, parameters: Mapping[str, object]) -> InferenceRequest:
    """Make a plain picture body the request that has it as its only `image`.

    The parameter `outputs` has the names of those that are wanted, with commas.
    """
    array = np.empty(1, np.object_)
    array[0] = body
    others = {name: value for name, value in parameters.items() if name != "outputs"}
    outputs = tuple(name for name in str(parameters.get("outputs", "")).split(",") if name)
    return InferenceRequest(
        model, {"image": Tensor("image", "BYTES", array)}, outputs=outputs, parameters=others
    )


async def decode_body(
    body: bytes, model: str, header_length: str | None, limit: int
) -> InferenceRequest:
    """Read a V2 body as decode_request does, long JSON without holding up other requests."""
    if read_length(header_length, len(body)) > OFFLOAD_JSON_BYTES:
        return await run_aside(decode_request, body, model, header_length, limit)
    return decode_request(body, model, header_length, limit)


def decode_request(
    body: bytes, model: str, header_length: str | None, limit: int = MAX_BYTES
) -> InferenceRequest:
    """Read a V2 JSON body, and the binary tensors that follow its first header_length bytes.

    Binary tensors are views of the body; no tensor takes more than `limit` bytes. Raises
    InvalidRequest, InvalidTensor or TooLarge with what is wrong.
    """
    json_length = read_length(header_length, len(body))
    content = load_json(body[:json_length])
    entries = content.get("inputs") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise InvalidRequest("The body needs an object with a list 'inputs'.")
    check_keys(content, KEYS, "A request")
    inputs: dict[str, Tensor] = {}
    raw, start = memoryview(body), json_length
    for entry in entries:
        tensor, start = decode_tensor(entry, raw, start, limit)
        if tensor.name in inputs:
            raise InvalidTensor(f"The input '{tensor.name}' is there twice.")
        inputs[tensor.name] = tensor
    if start != len(body):
        raise InvalidRequest(f"{len(body) - start} bytes follow the last binary tensor.")
    parameters = read_parameters(content)
    outputs = content.get("outputs") or []
    if not isinstance(outputs, list) or not all(
        isinstance(output, dict) and isinstance(output.get("name"), str) for output in outputs
    ):
        raise InvalidRequest("'outputs' needs a list of objects with a 'name'.")
    binary = find_binary_outputs(outputs, parameters)
    request_id = content.get("id") or ""
    if not isinstance(request_id, str) or len(request_id) > MAX_ID:
        raise InvalidRequest(f"'id' needs text of at most {MAX_ID} characters.")
    return InferenceRequest(
        model=model,
        inputs=inputs,
        id=request_id,
        outputs=tuple(output["name"] for output in outputs),
        binary_outputs=binary,
        parameters=parameters,
    )


def read_length(header_length: str | None, body_length: int) -> int:
    """Read how many bytes of the body are JSON; without a header, all are."""
    if header_length is None:
        return body_length
    digits = header_length.isascii() and header_length.isdecimal() and len(header_length) < 20
    if not digits or int(header_length) > body_length:
        raise InvalidRequest(
            "Inference-Header-Content-Length must be a number of bytes, at most the body's length."
        )
    return int(header_length)


def check_keys(content: dict[str, Any], known: tuple[str, ...], what: str) -> None:
    """Raise InvalidRequest for a key that would be passed over."""
    for key in content:
        if key not in known:
            raise InvalidRequest(f"{what} has no '{key}'; there are {', '.join(known)}.")


def read_parameters(content: dict[str, Any], *accepted: str) -> dict[str, Any]:
    """Read the parameters of a request, or those accepted of an input or an output.

    One that is null is none. Raises InvalidRequest.
    """
    parameters = content.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InvalidRequest("'parameters' needs an object.")
    if accepted:
        check_parameters(parameters, accepted)
    return {name: value for name, value in parameters.items() if value is not None}


def find_binary_outputs(outputs: list[dict], parameters: dict[str, Any]) -> Mapping[str, bool]:
    """Return for each output, and for '' (all others), whether it is wanted as raw bytes.

    The request's parameter is taken out: it is not the model's. Raises InvalidRequest.
    """
    wanted = {"": parameters.pop(ALL_BINARY, False)}
    for output in outputs:
        check_keys(output, OUTPUT_KEYS, "An output")
        own = read_parameters(output, BINARY_DATA)
        if BINARY_DATA in own:  # an output's own flag wins over the request's
            wanted[output["name"]] = own[BINARY_DATA]
    if not all(isinstance(flag, bool) for flag in wanted.values()):
        raise InvalidRequest(f"'{BINARY_DATA}' and '{ALL_BINARY}' need true or false.")
    return wanted


def decode_tensor(entry: object, body: memoryview, start: int, limit: int) -> tuple[Tensor, int]:
    """Read one input; return it and where the next binary tensor starts."""
    if not isinstance(entry, dict) or not isinstance(name := entry.get("name"), str):
        raise InvalidRequest("Each input needs an object with a 'name'.")
    check_keys(entry, INPUT_KEYS, "An input")
    datatype: Any = entry.get("datatype")
    shape: Any = entry.get("shape")
    parameters = read_parameters(entry, BINARY_SIZE)
    size = parameters.get(BINARY_SIZE)
    if size is not None:
        if type(size) is not int or not 0 <= size <= len(body) - start:
            raise InvalidTensor(f"Tensor '{name}' has a binary_data_size beyond the body.")
        array = make_array(name, datatype, shape, body[start : start + size])
        return Tensor(name, datatype, array, parameters=parameters), start + size
    if entry.get("data") is None:
        raise InvalidTensor(f"Tensor '{name}' has neither 'data' nor 'binary_data_size'.")
    array = read_values(name, datatype, shape, entry["data"], limit)
    return Tensor(name, datatype, array, datatype == "BYTES", parameters), start


async def encode_answer(
    response: InferenceResponse, binary: Mapping[str, bool], claim: Callable[[int], None]
) -> tuple[list[Piece], dict[str, str]]:
    """Write the answer as encode_response does, a long one without holding up other requests.

    `claim` is told the bytes of each piece once it is there, and may refuse them.
    """
    if sum(array.size for array in response.outputs.values()) <= JSON_VALUES:
        head, tail = encode_response(response, binary)
        pieces: list[Piece] = [b"".join([*head, *tail])]
        length = len(pieces[0]) - sum(len(piece) for piece in tail)
        claim(len(pieces[0]))
    else:
        head, tail = encode_response(response, binary)
        pieces = []
        while (piece := await run_aside(next, head, None)) is not None:
            claim(len(piece))
            pieces.append(piece)
        length = sum(len(piece) for piece in pieces)
        claim(sum(len(piece) for piece in tail))
        pieces += tail
    if not tail:
        return pieces, {"content-type": "application/json"}
    return pieces, {"content-type": "application/octet-stream", BINARY_HEADER: str(length)}


def encode_response(
    response: InferenceResponse, binary: Mapping[str, bool]
) -> tuple[Iterator[bytes], list[Piece]]:
    """Return the pieces of the answer's JSON as they are written, and the raw bytes after it.

    The raw ones are the outputs that were asked for in binary; `binary` is
    InferenceRequest.binary_outputs.
    """
    raw = [name for name in response.outputs if binary.get(name, binary.get("", False))]
    tail: list[Piece] = []
    for name in raw:
        view = np.ascontiguousarray(response.outputs[name]).reshape(-1).view(np.uint8).data
        tail += [view[i : i + SEND_BYTES] for i in range(0, max(len(view), 1), SEND_BYTES)]
    return write_json(response, raw), tail


def write_json(response: InferenceResponse, raw: list[str]) -> Iterator[bytes]:
    """Write the JSON of an answer; no piece has more than JSON_VALUES values."""
    opened = orjson.dumps(
        {
            "model_name": response.model,
            "model_version": response.version,
            "id": response.id or str(uuid.uuid4()),
            **({"parameters": response.parameters} if response.parameters else {}),
            "outputs": [],
        }
    )[:-2]
    for name, array in response.outputs.items():
        entry = {"name": name, "datatype": DATATYPES[array.dtype], "shape": array.shape}
        if name in raw:
            yield opened + orjson.dumps(entry | {"parameters": {"binary_data_size": array.nbytes}})
        else:
            yield opened + orjson.dumps(entry)[:-1] + b',"data":['
            yield from write_values(array)
            yield b"]}"
        opened = b","
    yield (opened if not response.outputs else b"") + b"]}"


def write_values(array: NDArray) -> Iterator[bytes]:
    """Write an array's values as one flat row, without its brackets."""
    flat = np.ascontiguousarray(array).reshape(-1)
    for start in range(0, flat.size, JSON_VALUES):
        part = flat[start : start + JSON_VALUES]
        values = orjson.dumps(part, option=orjson.OPT_SERIALIZE_NUMPY)
        yield values[1:-1] if start + len(part) == flat.size else values[1:-1] + b","
