"""The transformer's connection to the predictors, over gRPC with raw tensors."""

import json
import time
from collections.abc import Mapping

import grpc.aio
import numpy as np
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc
from numpy.typing import NDArray

from serving.contract import FACE, LANDMARKS, SCORES
from serving.errors import DeadlineExceeded, PredictorUnavailable, ServingError, rebuild_error
from serving.grpc import CODE_HEADER
from serving.messages import DATATYPES, make_array

PASSED_ON = ("x-request-id", "traceparent", "tracestate", "authorization")
CHUNK = 256  # faces a call, the predictor's own limit

SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],  # over every address that DNS gives
    "methodConfig": [
        {
            "name": [{"service": "inference.GRPCInferenceService", "method": "ModelInfer"}],
            "retryPolicy": {  # a call that got no answer: the predictor has no state to spoil
                "maxAttempts": 3,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}
OPTIONS = [
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.enable_retries", 1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),  # the default of 120 s outlasts any restart
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
]


class PredictorClient:
    """Calls one model of the predictors behind an address; connects on first use."""

    def __init__(self, address: str, model: str):
        self.address = address if ":" in address else f"{address}:80"  # as KServe gives it
        self.model = model
        self.channel: grpc.aio.Channel | None = None

    @property
    def stub(self) -> pb_grpc.GRPCInferenceServiceStub:
        if self.channel is None:  # needs the running event loop
            self.channel = grpc.aio.insecure_channel(f"dns:///{self.address}", OPTIONS)
            self.connected = pb_grpc.GRPCInferenceServiceStub(self.channel)
        return self.connected

    async def locate(
        self, faces: NDArray, headers: Mapping[str, str], deadline: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Ask for the landmarks `[N,15,2]` and scores `[N,15]` of faces `[N,1,96,96]`.

        Raises the predictor's own ServingError, or PredictorUnavailable.
        """
        landmarks, scores = [], []
        for start in range(0, len(faces), CHUNK):
            answer = await self.infer(faces[start : start + CHUNK], headers, deadline)
            arrays = {
                output.name: make_array(output.name, output.datatype, list(output.shape), raw)
                for output, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
            }
            landmarks.append(arrays[LANDMARKS.name])
            scores.append(arrays[SCORES.name])
        return np.concatenate(landmarks), np.concatenate(scores)

    async def infer(
        self, faces: NDArray, headers: Mapping[str, str], deadline: float
    ) -> pb.ModelInferResponse:
        """Make one call."""
        request = pb.ModelInferRequest(
            model_name=self.model,
            id=headers.get("x-request-id", ""),
            inputs=[
                pb.ModelInferRequest.InferInputTensor(
                    name=FACE.name, datatype=DATATYPES[faces.dtype], shape=faces.shape
                )
            ],
            raw_input_contents=[faces.tobytes()],
        )
        metadata = [(name, headers[name]) for name in PASSED_ON if name in headers]
        timeout = max(0.001, deadline - time.monotonic())
        try:
            return await self.stub.ModelInfer(request, timeout=timeout, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise translate_error(error) from None

    async def check_ready(self) -> bool:
        """Tell whether the predictor's model is ready, within a second."""
        request = pb.ModelReadyRequest(name=self.model)
        try:
            return (await self.stub.ModelReady(request, timeout=1.0)).ready
        except grpc.aio.AioRpcError:
            return False

    async def close(self) -> None:
        if self.channel is not None:
            await self.channel.close()


def translate_error(error: grpc.aio.AioRpcError) -> ServingError:
    """Give the predictor's error as it was raised there, or what its absence means."""
    details = error.details() or "no details"
    for key, value in error.trailing_metadata() or ():
        if key == CODE_HEADER:
            return rebuild_error(str(value), details)
    if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded("The predictor did not answer within the request's time.")
    return PredictorUnavailable(f"The predictor cannot be reached ({error.code().name}).")
