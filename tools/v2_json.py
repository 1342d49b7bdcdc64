"""V2 requests as JSON, for benchmarks and tests; serving/grpc/codec.py has gRPC's."""

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def image_tensor(*files: bytes) -> dict[str, Any]:
    """Return the input `image` of picture files, in base64."""
    texts = [base64.b64encode(file).decode() for file in files]
    return {"name": "image", "datatype": "BYTES", "shape": [len(texts)], "data": texts}


def face_tensor(faces: NDArray[np.uint8]) -> dict[str, Any]:
    """Return the input `face` of crops [F, 1, H, W], as numbers."""
    shape = list(faces.shape)
    return {"name": "face", "datatype": "UINT8", "shape": shape, "data": faces.ravel().tolist()}


def pack_strings(items: Iterable[bytes]) -> bytes:
    """Return the binary data of a BYTES tensor: each item behind its length."""
    return b"".join(len(item).to_bytes(4, "little") + item for item in items)


def pack_tensor(
    name: str, datatype: str, shape: Sequence[int], raw: bytes, **more: Any
) -> tuple[bytes, dict[str, str]]:
    """Return a body of one raw tensor behind its JSON, and its header; `more` is for the JSON."""
    tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(shape)}
    tensor["parameters"] = {"binary_data_size": len(raw)}
    text = json.dumps({"inputs": [tensor]} | more).encode()
    return text + raw, {"Inference-Header-Content-Length": str(len(text))}


def pack_faces(faces: NDArray[np.uint8], **more: Any) -> tuple[bytes, dict[str, str]]:
    """Return the crops [F, 1, H, W] as pack_tensor does; the answer comes as binary data too."""
    members = {"parameters": {"binary_data_output": True}} | more
    return pack_tensor("face", "UINT8", faces.shape, faces.tobytes(), **members)
