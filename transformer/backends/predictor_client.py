"""The transformer's connection to the predictors, over gRPC with raw tensors."""

import asyncio
import json
import time
from pathlib import Path

import grpc.aio
import numpy as np
from numpy.typing import NDArray

from serving.contract import FACE, GRPC_CONFIG, GRPC_INFER, GRPC_SERVICE, ID_HEADER, SET_HEADER
from serving.errors import InvalidTensor, PredictorUnavailable, ServingError
from serving.framework import pb, pb_grpc
from serving.grpc import extension_pb2 as ext
from serving.grpc.codec import decode_response, encode_request
from serving.grpc.errors import translate_error
from serving.grpc.servicer import METADATA_BYTES
from serving.landmarks import LandmarkError, read_digest, read_parameters
from serving.messages import Call
from serving.telemetry import tracing
from serving.telemetry.stages import Stage, read_timings
from transformer.backends.base import WITH_HEATMAPS, FaceLandmarks, Network, PredictorBackend
from transformer.backends.joined import MOST_FACES, Joiner
from transformer.backends.target import grpc_target

SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],  # over every address that DNS gives
    "methodConfig": [
        {
            "name": [
                {"service": GRPC_SERVICE, "method": method}
                for method in ("ModelInfer", "ModelConfig")
            ],
            "retryPolicy": {  # within a second, while the names of new pods are found
                "maxAttempts": 4,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 3,
                # CANCELLED, where not by us: a stopping server drops the calls it has not begun.
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ],
}
OPTIONS = [
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.enable_retries", 1),
    ("grpc.per_rpc_retry_buffer_size", 16 * 2**20),  # by default 256 KiB: 28 faces had no retry
    ("grpc.enable_http_proxy", 0),  # a proxy of the environment is meant for the world outside
    ("grpc.max_metadata_size", METADATA_BYTES),  # of answers, as the server's of requests
    ("grpc.absolute_max_metadata_size", METADATA_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),  # the default of 120 s outlasts any restart
    ("grpc.min_reconnect_backoff_ms", 2000),  # how long a connection may take to come about
    ("grpc.dns_min_time_between_resolutions_ms", 1000),  # of a headless service's pods
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.ping_timeout_ms", 3_000),  # of the ping itself, or the default of 60 s holds
    ("grpc.http2.max_pings_without_data", 0),  # or no more than two in a long call
]


class GrpcBackend(PredictorBackend):
    """Calls models of the predictors behind an address; connects on first use."""

    def __init__(self, address: str, authority: Path | None = None):
        super().__init__()
        self.authority = authority  # that signed the predictors' certificate
        self.address = grpc_target(address)
        self.channel: grpc.aio.Channel | None = None
        self.made = 0.0  # when the channel was
        self.closing: set[asyncio.Task[None]] = set()
        self.joiner = Joiner(self.send, lambda pictures: self.expect(pictures))

    @property
    def stub(self) -> pb_grpc.GRPCInferenceServiceStub:
        if self.channel is None:  # needs the running event loop
            if self.authority is None:
                self.channel = grpc.aio.insecure_channel(self.address, OPTIONS)
            else:
                credentials = grpc.ssl_channel_credentials(self.authority.read_bytes())
                self.channel = grpc.aio.secure_channel(self.address, credentials, OPTIONS)
            self.made = time.monotonic()
            self.connected = pb_grpc.GRPCInferenceServiceStub(self.channel)
            self.connected.ModelConfig = self.channel.unary_unary(  # KServe's file lacks it
                f"/{GRPC_CONFIG}", ext.ModelRequest.SerializeToString, ext.ConfigResponse.FromString
            )
        return self.connected

    async def infer(self, faces: NDArray, model: str, call: Call, heatmaps: bool) -> FaceLandmarks:
        """Make one call, or take part in one."""
        network = self.networks.get(model)
        small = network is not None and network.count_faces(faces) >= MOST_FACES
        # Values of whole numbers can't be wrong, and a trace has a call of its own.
        if small and not heatmaps and faces.dtype == np.uint8 and not tracing.check_traced():
            return await self.joiner.ask(faces, model, call)
        return await self.send(faces, model, call, heatmaps)

    async def send(self, faces: NDArray, model: str, call: Call, heatmaps: bool) -> FaceLandmarks:
        """Make one call."""
        outputs = WITH_HEATMAPS if heatmaps else ()
        request_id = call.forward.get(ID_HEADER, "")
        request = encode_request(model, {FACE.name: faces}, outputs, request_id)
        metadata, status = dict(call.forward), grpc.StatusCode.CANCELLED
        with tracing.open_call(GRPC_INFER, self.address, model=model, faces=len(faces)) as span:
            tracing.write_parent(span, metadata)
            timeout = max(0.001, call.deadline - time.monotonic())
            handle = self.stub.ModelInfer(request, timeout=timeout, metadata=[*metadata.items()])
            try:
                response = await handle
                trailing = await handle.trailing_metadata()
                status = grpc.StatusCode.OK
            except grpc.aio.AioRpcError as error:
                status = error.code()
                self.renew()
                raise translate_error(error) from None
            finally:
                span.set_attribute(tracing.RPC_STATUS, status.name)
        try:
            arrays = decode_response(response)
        except InvalidTensor as error:  # not the caller's fault
            raise ServingError(f"Model '{model}' gives a broken answer.") from error
        if missing := [name for name in outputs or WITH_HEATMAPS[:2] if name not in arrays]:
            raise ServingError(f"Model '{model}' gives no {' and '.join(missing)}.")
        told = dict(trailing or ())
        timings = read_timings(told.get("server-timing", ""))
        timings.pop(Stage.TOTAL, None)
        digest = str(told.get(SET_HEADER, ""))
        return FaceLandmarks.from_outputs(arrays, timings, digest)

    async def fetch_network(self, model: str, deadline: float) -> Network:
        request = ext.ModelRequest(name=model)
        timeout = max(0.001, deadline - time.monotonic())
        try:
            config = (await self.stub.ModelConfig(request, timeout=timeout)).config
        except grpc.aio.AioRpcError as error:
            self.renew()
            raise translate_error(error) from None
        values = {k: v.string_value for k, v in config.parameters.items()}
        try:
            landmarks = read_parameters(values, f"the predictor's model '{model}'")
        except LandmarkError as error:
            raise PredictorUnavailable(f"{str(error).capitalize()}.") from None
        return Network(landmarks, max(0, config.max_batch_size), read_digest(values))

    async def check_ready(self, model: str) -> str:
        """Return why the predictor's model is not ready, within a second; "" where it is."""
        request = pb.ModelReadyRequest(name=model)
        try:
            ready = (await self.stub.ModelReady(request, timeout=1.0)).ready
            return "" if ready else f"The predictor's model '{model}' is not ready."
        except grpc.aio.AioRpcError as error:
            self.renew()
            return translate_error(error).message

    def renew(self) -> None:
        """Have the next call make a new channel, where this one reaches nobody.

        gRPC asks DNS again after up to two minutes once a name has not resolved, whatever the
        options say; a new channel asks at once. What is still in flight on the old one may end.
        """
        channel = self.channel
        lost = grpc.ChannelConnectivity.TRANSIENT_FAILURE
        if channel is None or channel.get_state() != lost or time.monotonic() - self.made < 1:
            return
        self.channel = None
        task = asyncio.create_task(channel.close(30))
        self.closing.add(task)
        task.add_done_callback(self.closing.discard)

    async def close(self) -> None:
        """Close the connections; the next call makes new ones."""
        channel, self.channel = self.channel, None
        if channel is not None:
            await channel.close()
