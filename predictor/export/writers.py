"""Write the model that an engine loads: from the network, the side of its face, and
faces `[N,1,S,S]` to calibrate on.

Each function returns the name of the file. A new engine may have its own elsewhere: its row in
the table of engines names it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from predictor.decode import Floats
from predictor.unet import UNet

if TYPE_CHECKING:
    import openvino as ov


def write_onnx(net: UNet, side: int, faces: Floats | None, folder: Path) -> str:
    """Write the ONNX graph, fp32."""
    from predictor.engines.onnx_graph import build_onnx

    (folder / "unet.onnx").write_bytes(build_onnx(net, side).SerializeToString())
    return "unet.onnx"


def write_openvino(net: UNet, side: int, faces: Floats | None, folder: Path) -> str:
    """Write OpenVINO's format, fp32."""
    return save(read(net, side), folder, fp16=False)


def write_openvino_bf16(net: UNet, side: int, faces: Floats | None, folder: Path) -> str:
    """Write OpenVINO's format with fp16 weights; the engine computes in bf16."""
    return save(read(net, side), folder, fp16=True)


def write_openvino_int8(net: UNet, side: int, faces: Floats | None, folder: Path) -> str:
    """Write OpenVINO's format in int8, calibrated on the faces."""
    from predictor.export.quantise import quantise

    if faces is None:
        raise ValueError("int8 takes ranges from real faces: name a folder with --calibrate.")
    return save(quantise(read(net, side), faces), folder, fp16=False)


def read(net: UNet, side: int) -> "ov.Model":
    """Bring the network into OpenVINO, fp32."""
    import openvino as ov

    from predictor.engines.onnx_graph import build_onnx

    return ov.Core().read_model(build_onnx(net, side).SerializeToString())


def save(model: "ov.Model", folder: Path, fp16: bool) -> str:
    """Save a model in OpenVINO's two files; gives the first one's name."""
    import openvino as ov

    ov.save_model(model, folder / "unet.xml", compress_to_fp16=fp16)
    return "unet.xml"
