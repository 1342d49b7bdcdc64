"""A picture over gRPC, with KServe's own messages."""

import grpc
import numpy as np
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc
from numpy.typing import NDArray

DTYPES = {"FP32": np.float32, "INT32": np.int32}


def ask_over_grpc(picture: bytes, address: str) -> dict[str, NDArray]:
    """Return the outputs of one picture by name."""
    tensor = pb.ModelInferRequest.InferInputTensor(name="image", datatype="BYTES", shape=[1])
    content = len(picture).to_bytes(4, "little") + picture
    request = pb.ModelInferRequest(model_name="unet", inputs=[tensor], raw_input_contents=[content])
    with grpc.insecure_channel(address) as channel:
        answer = pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=60)
    return {
        output.name: np.frombuffer(raw, DTYPES[output.datatype]).reshape(tuple(output.shape))
        for output, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
    }
