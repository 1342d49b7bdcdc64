"""Quantise the network to int8 with NNCF, calibrated on real faces."""

import logging

import nncf
import openvino as ov
from nncf.quantization.range_estimator import RangeEstimatorParametersSet

from predictor.decode import Floats

# The first convolution has one input channel, so that fp32 costs it little, and faces
# of any precision go in as they are; the last one writes the heatmaps whose fine shape
# decides the sub-pixel: both in fp32 cut the landmarks' movement by two thirds.
PRECISE = ("inc.double_conv.0", "outc.conv")


def quantise(model: ov.Model, faces: Floats, precise: tuple[str, ...] = PRECISE) -> ov.Model:
    """Quantise activations and weights to bytes, but for the convolutions in `precise`.

    `faces` [N,1,S,S] FP32 0..1 are what activation ranges are taken from: a few
    hundred, as varied as those to be served.
    """
    logging.getLogger("nncf").setLevel(logging.ERROR)  # its set_log_level changes all its handlers
    ignored = [
        op.get_friendly_name()
        for op in model.get_ops()
        if op.get_type_name() in ("Convolution", "Add")
        and op.get_friendly_name().split("/")[0] in precise
    ]
    parameters = nncf.AdvancedQuantizationParameters(
        activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
    )
    return nncf.quantize(
        model,
        nncf.Dataset([face[None] for face in faces]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(faces),
        ignored_scope=nncf.IgnoredScope(names=ignored),
        advanced_parameters=parameters,
    )
