"""Tell what a file of weights or of a network is by its content, whatever its name."""

import tarfile
import zipfile
from pathlib import Path

from predictor.declaration import DeclarationError

GRAPHS = ("onnx", "torchscript", "export", "tflite")  # a network as a whole
CHECKPOINTS = ("checkpoint", "safetensors")  # named tensors, of a class
HEAD = 512  # bytes
PACKERS = (b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"Rar!", b"\xfd7zXZ")
ONNX_FIELD = b"\x08"  # ir_version, the first field of every ONNX file
ARCHIVES = {  # by what the name of a member ends in
    "torchscript": ("constants.pkl",),
    "export": ("models/model.json", "serialized_exported_program.json"),
    "checkpoint": ("data.pkl",),
}
PACKED = "{} is a packed file, and not of torch: unpack it."
NUMPY = "{} holds NumPy arrays: save net.state_dict() by torch.save."


def tell_kind(path: Path) -> str:
    """Name a file's kind, one of GRAPHS or CHECKPOINTS; raises DeclarationError for all else."""
    if not path.is_file():
        raise DeclarationError(f"There is no file {path}.")
    with path.open("rb") as file:
        head = file.read(HEAD)
    text = head.lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        raise DeclarationError(f"{path} is a Git LFS pointer, not the file: run `git lfs pull`.")
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DeclarationError(f"{path} is a web page, not weights: download the file itself.")
    if head.startswith(b"\x93NUMPY"):
        raise DeclarationError(NUMPY.format(path))
    if head[4:8] == b"TFL3":
        return "tflite"
    if head.startswith(b"PK\x03\x04"):
        return tell_archive(path)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return "safetensors"
    if head.startswith(PACKERS) or (tarfile.is_tarfile(path) and not holds_storages(path)):
        raise DeclarationError(PACKED.format(path))
    if head.startswith(b"\x80") or b"ustar" in head[257:263]:  # a pickle, a tar: torch before 1.6
        return "checkpoint"
    if head.startswith(ONNX_FIELD) and len(head) > 8:
        return "onnx"
    if not head:
        raise DeclarationError(f"{path} is empty.")
    raise DeclarationError(
        f"{path} is neither a checkpoint of torch nor a file of ONNX, TorchScript, torch.export, "
        "TFLite or safetensors; it may be truncated."
    )


def holds_storages(path: Path) -> bool:
    """Check whether a tar is a checkpoint of torch before 0.2."""
    with tarfile.open(path) as archive:
        return "storages" in archive.getnames()


def tell_archive(path: Path) -> str:
    """Tell apart torch's three archives, and NumPy's, by their members."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        raise DeclarationError(f"{path} is truncated.") from None
    if names and all(name.endswith(".npy") for name in names):
        raise DeclarationError(NUMPY.format(path))
    for kind, endings in ARCHIVES.items():
        if any(name.endswith(endings) for name in names):
            return kind
    raise DeclarationError(PACKED.format(path))
