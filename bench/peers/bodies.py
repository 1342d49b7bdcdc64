"""Request bodies in each peer's form, and its answers back as landmarks."""

import json

import numpy as np
from numpy.typing import NDArray

from tools.v2_json import encode_files, face_tensor, image_tensor, pack_strings, pack_tensor

Body = tuple[bytes, str, str]  # content, content type, further headers
JSON = "application/json"


def write_v2(name: str, datatype: str, shape: list[int], raw: bytes) -> Body:
    """Write one tensor as V2's binary extension has it."""
    content, headers = pack_tensor(name, datatype, shape, raw)
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return content, "application/octet-stream", more


def make_raw(faces: NDArray[np.uint8], pictures: list[bytes]) -> Body:
    return faces.tobytes(), "application/octet-stream", ""


def make_jpeg(faces: NDArray[np.uint8], pictures: list[bytes]) -> Body:
    return pictures[0], "image/jpeg", ""


def make_base64_face(faces: NDArray[np.uint8], pictures: list[bytes]) -> Body:
    return json.dumps({"faces": encode_files([faces.tobytes()])[0]}).encode(), JSON, ""


def make_base64_list(faces: NDArray[np.uint8], pictures: list[bytes]) -> Body:
    return json.dumps({"pictures": encode_files(pictures)}).encode(), JSON, ""


def make_json_faces(faces: NDArray[np.uint8], pictures: list[bytes]) -> Body:
    return json.dumps({"faces": faces.tolist()}).encode(), JSON, ""


def make_v2_json_face(faces: NDArray[np.uint8], pictures: list[bytes]) -> Body:
    return json.dumps({"inputs": [face_tensor(faces)]}).encode(), JSON, ""


def make_v2_binary_face(faces: NDArray[np.uint8], pictures: list[bytes]) -> Body:
    return write_v2("face", "UINT8", list(faces.shape), faces.tobytes())


def make_v2_base64(faces: NDArray[np.uint8], pictures: list[bytes]) -> Body:
    tensor = image_tensor(*pictures) | {"parameters": {"content_type": "base64"}}
    return json.dumps({"inputs": [tensor]}).encode(), JSON, ""


def make_v2_binary_rows(faces: NDArray[np.uint8], pictures: list[bytes]) -> Body:
    return write_v2("image", "BYTES", [len(pictures), 1], pack_strings(pictures))


FORMS = {
    "raw": make_raw,
    "jpeg": make_jpeg,
    "base64_face": make_base64_face,
    "base64_list": make_base64_list,
    "json_faces": make_json_faces,
    "v2_json_face": make_v2_json_face,
    "v2_binary_face": make_v2_binary_face,
    "v2_base64": make_v2_base64,
    "v2_binary_rows": make_v2_binary_rows,
}


def read_points(body: bytes) -> NDArray[np.float64]:
    """Read the landmarks of an answer, all faces of all pictures: `[F,K,2]`."""
    answer = json.loads(body)
    if isinstance(answer, dict) and "outputs" in answer:
        output = next(entry for entry in answer["outputs"] if entry["name"] == "landmarks")
        values = [np.nan if v is None or v == "NaN" else v for v in output["data"]]
        points = np.array(values, float).reshape(-1, output["shape"][-2], 2)
        return points[np.isfinite(points).all(axis=(1, 2))]  # pytriton fills up with NaN
    landmarks = answer["landmarks"] if isinstance(answer, dict) else answer
    faces = [face for entry in landmarks for face in flatten(entry)]
    return np.array(faces, float).reshape(len(faces), -1, 2)


def flatten(entry: list) -> list:
    """Give the faces of one picture; what is one face already is given as a list of it."""
    return entry if not entry or isinstance(entry[0][0], list) else [entry]
