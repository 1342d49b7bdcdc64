"""Write the file that each engine loads: one small function a kind of engine."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from predictor.decode import Floats
from predictor.unet import UNet

if TYPE_CHECKING:
    import openvino as ov

Writer = Callable[[UNet, Floats | None, Path], str]  # gives the name of the model's file


def write_onnx(net: UNet, faces: Floats | None, folder: Path) -> str:
    """Write the ONNX graph, fp32."""
    from predictor.engines.build.onnx_graph import build_onnx

    (folder / "unet.onnx").write_bytes(build_onnx(net).SerializeToString())
    return "unet.onnx"


def write_openvino(net: UNet, faces: Floats | None, folder: Path) -> str:
    """Write OpenVINO's format, fp32."""
    return save(read(net), folder, fp16=False)


def write_openvino_bf16(net: UNet, faces: Floats | None, folder: Path) -> str:
    """Write OpenVINO's format with fp16 weights; the engine computes in bf16."""
    return save(read(net), folder, fp16=True)


def write_openvino_int8(net: UNet, faces: Floats | None, folder: Path) -> str:
    """Write OpenVINO's format in int8, calibrated on the faces `[N,1,96,96]`."""
    from predictor.engines.build.quantise import quantise

    if faces is None:
        raise ValueError("int8 takes ranges from real faces: name a folder with --calibrate.")
    return save(quantise(read(net), faces), folder, fp16=False)


def write_ahead(net: UNet, faces: Floats | None, folder: Path) -> str:
    """Compile ahead with AOTInductor, fp32; takes a C++ compiler and about a minute."""
    from predictor.engines.build.compile import compile_ahead

    return compile_ahead(net, ("channels-last", "folded"), folder)


def write_ahead_bf16(net: UNet, faces: Floats | None, folder: Path) -> str:
    """Compile ahead with AOTInductor, bf16."""
    from predictor.engines.build.compile import compile_ahead

    return compile_ahead(net, ("channels-last", "folded", "bf16"), folder)


def read(net: UNet) -> "ov.Model":
    """Bring the network into OpenVINO, fp32."""
    import openvino as ov

    from predictor.engines.build.onnx_graph import build_onnx

    return ov.Core().read_model(build_onnx(net).SerializeToString())


def save(model: "ov.Model", folder: Path, fp16: bool) -> str:
    """Save a model in OpenVINO's two files; gives the first one's name."""
    import openvino as ov

    ov.save_model(model, folder / "unet.xml", compress_to_fp16=fp16)
    return "unet.xml"


WRITERS: dict[str, Writer] = {
    "onnxruntime": write_onnx,
    "openvino": write_openvino,
    "openvino-bf16": write_openvino_bf16,
    "openvino-int8": write_openvino_int8,
    "ahead": write_ahead,
    "ahead-bf16": write_ahead_bf16,
}
