"""V2 requests as JSON, for benchmarks and tests; serving/grpc/codec.py has gRPC's."""

import base64
import json
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


def pack_faces(faces: NDArray[np.uint8], **more: Any) -> tuple[bytes, dict[str, str]]:
    """Return a body with the crops [F, 1, H, W] as binary data behind the JSON, and its header.

    The answer comes as binary data too. `more` are other members of the request.
    """
    tensor = face_tensor(faces[:0]) | {
        "shape": list(faces.shape),
        "parameters": {"binary_data_size": faces.nbytes},
    }
    del tensor["data"]
    request = {"inputs": [tensor], "parameters": {"binary_data_output": True}} | more
    text = json.dumps(request).encode()
    return text + faces.tobytes(), {"Inference-Header-Content-Length": str(len(text))}
