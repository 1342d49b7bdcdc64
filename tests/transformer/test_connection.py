"""The transformer's connection while predictors come and go, and encrypted."""

import asyncio
import contextlib
import itertools
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc.aio
import numpy as np
import pytest

from predictor.landmarks import DEFAULT
from serving.contract import GRPC_SERVICE, SET_HEADER
from serving.errors import NotReady, PredictorUnavailable, ServingError
from serving.framework import pb, pb_grpc
from serving.grpc import extension_pb2 as ext
from serving.grpc.codec import encode_response
from serving.grpc.servicer import read_credentials
from serving.landmarks import write_parameters
from serving.messages import Call, InferenceResponse
from serving.settings import ServerSettings
from transformer.backends.base import FaceLandmarks, Network
from transformer.backends.predictor_client import GrpcBackend


class Flaky(pb_grpc.GRPCInferenceServiceServicer):
    """Is unavailable to its first callers, as a pod that goes away."""

    def __init__(self, refusals: int = 0, status: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE):
        self.refusals, self.status, self.calls = refusals, status, 0
        self.digests: Iterator[str] = itertools.repeat("")

    async def count(self, context) -> None:
        self.calls += 1
        if self.calls <= self.refusals:
            await context.abort(self.status, "It goes away.")

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


@contextlib.asynccontextmanager
async def connect(port: int) -> AsyncIterator[GrpcBackend]:
    client = GrpcBackend(f"127.0.0.1:{port}")
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def serve(servicer: Flaky) -> AsyncIterator[GrpcBackend]:
    server = grpc.aio.server()
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    config = grpc.unary_unary_rpc_method_handler(
        servicer.show_config, ext.ModelRequest.FromString, ext.ConfigResponse.SerializeToString
    )
    server.add_registered_method_handlers(GRPC_SERVICE, {"ModelConfig": config})
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with connect(port) as client:
        yield client
    await server.stop(0)


async def ask(client: GrpcBackend, faces: int = 2, seconds: float = 10) -> FaceLandmarks:
    client.networks["unet"] = Network(DEFAULT, 256)
    crops = np.zeros((faces, 1, 96, 96), np.uint8)
    return await client.predict(crops, "unet", Call(time.monotonic() + seconds))


@pytest.mark.parametrize(
    "faces, status", [(2, "UNAVAILABLE"), (256, "UNAVAILABLE"), (2, "CANCELLED")]
)
async def test_a_call_that_meets_a_predictor_going_away_is_made_again(faces, status):
    """gRPC's own stop answers CANCELLED to calls that have arrived and are not begun."""
    servicer = Flaky(2, grpc.StatusCode[status])
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


async def test_a_predictor_that_stays_away_is_told_after_four_calls():
    async with serve(servicer := Flaky(refusals=1000)) as client:
        with pytest.raises(PredictorUnavailable):
            await ask(client, seconds=90)
    assert servicer.calls == 4


async def test_a_dead_predictor_is_looked_for_every_second():
    """By default gRPC waits longer and longer, up to two minutes: a restart would be missed."""
    looks = 0

    async def refuse(_, writer: asyncio.StreamWriter) -> None:
        nonlocal looks
        looks += 1
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with connect(server.sockets[0].getsockname()[1]) as client:
        async with asyncio.timeout(90):  # some 12 s
            while looks < 16:
                with pytest.raises(PredictorUnavailable):  # and not DeadlineExceeded
                    await ask(client, seconds=30)
                await asyncio.sleep(0.1)
    server.close()


class Ready(pb_grpc.GRPCInferenceServiceServicer):
    async def ModelReady(self, request, context):
        return pb.ModelReadyResponse(ready=True)


def make_certificate(folder: Path) -> ServerSettings:
    key, certificate = folder / "tls.key", folder / "tls.crt"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    return ServerSettings(grpc_certificate=certificate, grpc_key=key)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on PATH")
async def test_a_predictor_is_asked_in_secret_and_one_of_another_authority_is_not(tmp_path):
    (tmp_path / "other").mkdir()
    settings, other = make_certificate(tmp_path), make_certificate(tmp_path / "other")
    server = grpc.aio.server()
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(Ready(), server)
    port = server.add_secure_port("localhost:0", read_credentials(settings))
    await server.start()
    found = []
    for authority in (settings.grpc_certificate, other.grpc_certificate, None):
        backend = GrpcBackend(f"localhost:{port}", authority)
        own = authority == settings.grpc_certificate
        async with asyncio.timeout(60):
            while (problem := await backend.check_ready("unet")) and own:
                pass  # within a second: a busy machine takes longer
        found.append(not problem)
        await backend.close()
    await server.stop(0)
    assert found == [True, False, False]


def test_half_of_it_is_refused(tmp_path):
    assert read_credentials(ServerSettings()) is None
    with pytest.raises(SystemExit, match="go together"):
        read_credentials(ServerSettings(grpc_key=tmp_path / "a"))
    with pytest.raises(SystemExit, match="cannot be read"):
        read_credentials(ServerSettings(grpc_key=tmp_path / "a", grpc_certificate=tmp_path / "b"))
