"""The transformer's connection while predictors come and go."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator

import grpc.aio
import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from predictor.landmarks import DEFAULT
from serving.contract import GRPC_SERVICE, SET_HEADER
from serving.errors import NotReady, PredictorUnavailable, ServingError
from serving.grpc import extension_pb2 as ext
from serving.grpc.codec import encode_response
from serving.landmarks import write_parameters
from serving.messages import Call, InferenceResponse
from transformer.backends.base import FaceLandmarks, Network
from transformer.backends.predictor_client import GrpcBackend


class Flaky(pb_grpc.GRPCInferenceServiceServicer):
    """Is unavailable to its first callers, as a pod that goes away."""

    def __init__(self, refusals: int = 0):
        self.refusals, self.calls = refusals, 0
        self.digests: Iterator[str] = itertools.repeat("")

    async def count(self, context) -> None:
        self.calls += 1
        if self.calls <= self.refusals:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "It goes away.")

    async def ModelInfer(self, request, context):
        await self.count(context)
        context.set_trailing_metadata(((SET_HEADER, next(self.digests)),))
        n = request.inputs[0].shape[0]
        landmarks, scores = np.zeros((n, 15, 2), np.float32), np.zeros((n, 15), np.float32)
        return encode_response(InferenceResponse({"landmarks": landmarks, "scores": scores}))

    async def show_config(self, request, context):
        await self.count(context)
        values = write_parameters(DEFAULT) if request.name == "unet" else {}
        parameters = {k: ext.ModelParameter(string_value=v) for k, v in values.items()}
        return ext.ConfigResponse(config=ext.ModelConfig(parameters=parameters))


async def start_server(servicer: Flaky, port: int = 0) -> tuple[grpc.aio.Server, int]:
    """Serve on a port, a free one by default; gives it too."""
    server = grpc.aio.server()
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    config = grpc.unary_unary_rpc_method_handler(
        servicer.show_config, ext.ModelRequest.FromString, ext.ConfigResponse.SerializeToString
    )
    server.add_registered_method_handlers(GRPC_SERVICE, {"ModelConfig": config})
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    return server, port


@contextlib.asynccontextmanager
async def connect(target: int | str) -> AsyncIterator[GrpcBackend]:
    """A client of a port of this machine, or of any target."""
    client = GrpcBackend(f"127.0.0.1:{target}" if isinstance(target, int) else target)
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def serve(servicer: Flaky) -> AsyncIterator[GrpcBackend]:
    server, port = await start_server(servicer)
    async with connect(port) as client:
        yield client
    await server.stop(0)


async def ask(client: GrpcBackend, faces: int = 2, seconds: float = 10) -> FaceLandmarks:
    client.networks["unet"] = Network(DEFAULT, 256)
    crops = np.zeros((faces, 1, 96, 96), np.uint8)
    return await client.predict(crops, "unet", Call(time.monotonic() + seconds))


@pytest.mark.parametrize("faces", [2, 256])
async def test_a_call_that_meets_a_predictor_going_away_is_made_again(faces):
    servicer = Flaky(refusals=2)
    async with serve(servicer) as client:
        assert (await ask(client, faces)).landmarks.shape == (faces, 15, 2)
    assert servicer.calls == 3


async def test_a_landmark_set_is_asked_for_again():
    servicer = Flaky(refusals=2)
    async with serve(servicer) as client:
        found = await client.fetch_network("unet", time.monotonic() + 10)
        assert found == Network(DEFAULT, 0, DEFAULT.digest) and servicer.calls == 3
        with pytest.raises(PredictorUnavailable, match="model 'older': 'points': field required"):
            await client.fetch_network("older", time.monotonic() + 10)


async def test_parts_of_two_landmark_sets_are_no_answer():
    """256 faces a call: the second call met a predictor of another set."""
    async with serve(servicer := Flaky()) as client:
        servicer.digests = itertools.repeat(DEFAULT.digest)
        located = await ask(client, 300)
        assert located.landmarks.shape == (300, 15, 2) and located.digest == DEFAULT.digest
        servicer.digests = itertools.cycle([DEFAULT.digest, "another"])
        with pytest.raises(NotReady, match="being replaced"):
            await ask(client, 300)


async def test_a_broken_answer_is_no_fault_of_the_caller(monkeypatch):
    """A tensor that is wrong is a 400, but not where the predictor made it."""

    async def answer(self, request, context):
        kind = pb.ModelInferResponse.InferOutputTensor
        landmarks = kind(name="landmarks", datatype="FP32", shape=[2, 15, 2])
        return pb.ModelInferResponse(outputs=[landmarks], raw_output_contents=[b"short"])

    monkeypatch.setattr(Flaky, "ModelInfer", answer)
    async with serve(Flaky()) as client:
        with pytest.raises(ServingError, match="gives a broken answer") as caught:
            await ask(client)
    assert caught.value.code == "internal"


async def test_calls_that_a_stopping_server_drops_are_made_again():
    """gRPC's own stop answers CANCELLED to calls that have arrived and are not begun."""
    servers = [await start_server(Flaky()) for _ in "ab"]
    answered, stopped = 0, False

    async def ask_on(client: GrpcBackend) -> None:
        nonlocal answered
        while not stopped:
            await ask(client)
            answered += 1

    target = "ipv4:" + ",".join(f"127.0.0.1:{port}" for _, port in servers)
    async with connect(target) as client, asyncio.TaskGroup() as callers:
        for _ in range(64):
            callers.create_task(ask_on(client))
        for turn in range(20):
            await asyncio.sleep(0.3)  # both are connected
            server, port = servers[turn % 2]
            await server.stop(5)
            servers[turn % 2] = await start_server(Flaky(), port)
        stopped = True
    for server, _ in servers:
        await server.stop(0)
    assert answered > 200


async def test_a_predictor_that_stays_away_is_told_within_a_second():
    begun = time.perf_counter()
    async with serve(servicer := Flaky(refusals=1000)) as client:
        with pytest.raises(PredictorUnavailable):
            await ask(client)
    assert time.perf_counter() - begun < 3 and servicer.calls == 4


async def test_a_dead_predictor_is_looked_for_every_second():
    """By default gRPC waits longer and longer, up to two minutes: a restart would be missed."""
    moments: list[float] = []

    async def refuse(_, writer: asyncio.StreamWriter) -> None:
        moments.append(time.perf_counter())
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with connect(server.sockets[0].getsockname()[1]) as client:
        begun = time.perf_counter()
        while time.perf_counter() - begun < 8:
            asked = time.perf_counter()
            with pytest.raises(PredictorUnavailable):
                await ask(client, seconds=4)
            assert time.perf_counter() - asked < 2  # told at once, not at the deadline
            await asyncio.sleep(0.1)
    server.close()
    moments.append(time.perf_counter())
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert len(gaps) > 5 and max(gaps) < 1.8, [round(gap, 1) for gap in gaps]
