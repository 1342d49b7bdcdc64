"""REST requests and answers: JSON, a picture as it is, and V2's binary tensors."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from loadtest.pictures import Known
from tools.v2_json import image_tensor, pack_strings, pack_tensor

DTYPES = {"FP32": np.float32, "INT32": np.int32}
LENGTH = "Inference-Header-Content-Length"
OUTPUTS = ("landmarks", "boxes", "image_index")


@dataclass(frozen=True, slots=True)
class Body:
    """One request, and the pictures that its answer must fit; none: it must be refused."""

    content: bytes
    headers: dict[str, str]
    pictures: Sequence[Known] = field(default_factory=tuple)


def write_picture(picture: Known) -> Body:
    return Body(picture.content, {"Content-Type": "image/jpeg"}, [picture])


def write_json(pictures: Sequence[Known]) -> Body:
    """Write a V2 request with pictures in base64."""
    tensor = image_tensor(*(picture.content for picture in pictures))
    content = json.dumps({"inputs": [tensor]}).encode()
    return Body(content, {"Content-Type": "application/json"}, pictures)


def write_binary(pictures: Sequence[Known]) -> Body:
    """Write a V2 request whose tensors, and its answer's, are raw bytes behind the JSON."""
    raw = pack_strings(picture.content for picture in pictures)
    wanted = [{"name": name, "parameters": {"binary_data": True}} for name in OUTPUTS]
    content, headers = pack_tensor("image", "BYTES", [len(pictures)], raw, outputs=wanted)
    return Body(content, {"Content-Type": "application/octet-stream"} | headers, pictures)


def read_outputs(content: bytes, headers: Mapping[str, str]) -> dict[str, NDArray]:
    """Read an answer's outputs by name; raises ValueError, KeyError or TypeError for another."""
    length = headers.get(LENGTH)
    head, raw = (
        (content, b"") if length is None else (content[: int(length)], content[int(length) :])
    )
    arrays, begin = {}, 0
    for output in json.loads(head)["outputs"]:
        dtype, shape = DTYPES[output["datatype"]], output["shape"]
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            arrays[output["name"]] = np.array(output["data"], dtype).reshape(shape)
        else:
            part = raw[begin : begin + size]
            arrays[output["name"]] = np.frombuffer(part, dtype).reshape(shape)
            begin += size
    return arrays


def make_bad_bodies() -> list[Body]:
    """Make requests that must get a 4xx, each wrong in its own way."""
    json_kind = {"Content-Type": "application/json"}
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": ["bm8gcGljdHVyZQ=="]}
    wrong = [
        {"inputs": []},
        {"inputs": [tensor]},  # "no picture"
        {"inputs": [tensor | {"name": "nobody"}]},
        {"inputs": [tensor | {"shape": [3]}]},
        {"inputs": [tensor], "outputs": [{"name": "nothing"}]},
    ]
    return [
        Body(b"no picture", {"Content-Type": "image/jpeg"}),
        Body(b"", {"Content-Type": "image/jpeg"}),
        Body(b"{", json_kind),
        *(Body(json.dumps(request).encode(), json_kind) for request in wrong),
    ]


def check_refusal(status: int, content: bytes) -> str:
    """Say how the answer to a bad request is no proper refusal; "" where it is one."""
    if not 400 <= status < 500 or status == 429:
        return f"{status} to a bad request"
    try:
        told = json.loads(content)
        proper = isinstance(told["error"], str) and isinstance(told["code"], str)
    except (ValueError, KeyError, TypeError):
        proper = False
    return "" if proper else f"a {status} that doesn't say what is wrong"
