"""The gRPC service, in this process: its limits, its errors and what they tell."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from serving.grpc import servicer
from serving.grpc.codec import encode_request
from serving.grpc.servicer import create_grpc_server
from serving.messages import MAX_HEAD_BYTES
from serving.repository import Repository
from serving.settings import ServerSettings
from tools.processes import find_ports

MAX_BYTES = 2**20


@contextlib.asynccontextmanager
async def serve(repository: Repository, port: int = 0, **settings: Any) -> AsyncIterator[int]:
    """Serve with these settings on a port, a free one by default; gives it."""
    port = port or find_ports().grpc
    repository.settings = ServerSettings.model_validate(settings)
    server = create_grpc_server(repository, "0", [f"127.0.0.1:{port}"])
    await server.start()
    yield port
    await server.stop(0)


@pytest.fixture
async def stub(repository: Repository) -> AsyncIterator[pb_grpc.GRPCInferenceServiceStub]:
    async with (
        serve(repository, max_body_bytes=MAX_BYTES) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield pb_grpc.GRPCInferenceServiceStub(channel)


def make_request(what: str = "", size: int = 4, name: str = "face") -> pb.ModelInferRequest:
    request = encode_request("fake", {name: np.ones((1, size), np.uint8)})
    request.parameters["do"].string_param = what
    return request


async def refuse(stub, request: pb.ModelInferRequest, **options) -> tuple[str, str, str]:
    """Ask and be refused: the status, the catalogue's code and the message."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ModelInfer(request, timeout=60, **options)
    trailing = dict(caught.value.trailing_metadata() or ())
    code = str(trailing.get("landmarks-error-code", ""))
    return caught.value.code().name, code, caught.value.details() or ""


async def test_connections_are_counted(repository, monkeypatch):
    monkeypatch.setattr(servicer.resource, "getrlimit", lambda _: (100, 200))
    assert servicer.count_connections() == 50
    monkeypatch.setattr(servicer, "count_connections", lambda: 1)
    async with serve(repository) as port, asyncio.timeout(60):
        _, first = await asyncio.open_connection("127.0.0.1", port)
        reader, second = await asyncio.open_connection("127.0.0.1", port)
        assert not await reader.read()
        for writer in (first, second):
            writer.close()


@pytest.mark.parametrize("bound", ["answer_seconds", "request_seconds"])  # idle, and its age
async def test_a_connection_without_calls_is_ended(repository, bound):
    times: dict[str, Any] = {"answer_seconds": 600.0, "request_seconds": 600.0, bound: 0.1}
    async with (
        serve(repository, **times) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        asyncio.timeout(60),
    ):
        await channel.channel_ready()
        await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_a_message_above_the_limit_is_refused(stub, compression):
    request = make_request(size=MAX_BYTES + MAX_HEAD_BYTES)
    status, _, message = await refuse(stub, request, compression=compression)
    assert status == "RESOURCE_EXHAUSTED" and "larger than max" in message
    fits = make_request(size=MAX_BYTES - MAX_HEAD_BYTES)
    assert (await stub.ModelInfer(fits, timeout=60, compression=compression)).outputs


async def test_a_cause_of_ours_stays_ours_whatever_is_asked(stub, model, monkeypatch, caplog):
    status, code, message = await refuse(stub, make_request("fail"))
    assert (status, code) == ("INTERNAL", "internal") and "secret" not in message
    monkeypatch.setattr(model, "describe", fail)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ModelMetadata(pb.ModelMetadataRequest(name="fake"), timeout=60)
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert "secret" not in (caught.value.details() or "") and "secret" in caplog.text


def fail() -> None:
    raise RuntimeError("secret: a cause that callers shall not read")


async def test_a_refusal_keeps_its_code(stub):
    told = "INVALID_ARGUMENT", "invalid_request", "It is refused."
    assert await refuse(stub, make_request("refuse")) == told


async def test_a_message_fits_into_the_metadata_that_carries_it(stub):
    """8 KiB is what most gRPC clients take; the code would be lost with the rest."""
    for name in ("x" * 20_000, "é" * 9_000):
        request = make_request(name=name)
        request.inputs[0].shape[:] = [-1]
        status, code, message = await refuse(stub, request)
        assert (status, code) == ("INVALID_ARGUMENT", "invalid_tensor") and len(message) < 1000


async def test_no_room_is_refused_as_over_rest(stub, repository):
    admission = repository.admission
    admission.bytes = admission.max_bytes - 3
    assert (await refuse(stub, make_request()))[:2] == ("RESOURCE_EXHAUSTED", "overloaded")
    admission.bytes, admission.max_bytes = 0, 3  # it can never fit
    assert (await refuse(stub, make_request()))[:2] == ("INVALID_ARGUMENT", "too_large")
    admission.max_requests = 0
    assert (await refuse(stub, make_request()))[:2] == ("RESOURCE_EXHAUSTED", "overloaded")
    assert admission.bytes == 0 == admission.requests


async def test_typed_contents_are_counted_as_raw_ones(stub, repository):
    request = make_request(size=2**17)
    del request.raw_input_contents[:]
    request.inputs[0].contents.uint_contents.extend([1] * 2**17)
    assert (await stub.ModelInfer(request, timeout=60)).outputs
    repository.admission.max_bytes = 900
    assert (await refuse(stub, request))[:2] == ("INVALID_ARGUMENT", "too_large")


async def test_what_would_be_passed_over_is_refused(stub):
    request = make_request()
    request.outputs.add(name="landmarks").parameters["classification"].int64_param = 3
    said = "The parameter 'classification' does nothing here; accepted is binary_data."
    assert (await refuse(stub, request))[1:] == ("invalid_request", said)


async def test_a_stop_that_runs_out_of_time_is_told(stub, model, repository):
    refused = asyncio.create_task(refuse(stub, make_request("wait")))
    while not repository.admission.requests:
        await asyncio.sleep(0.01)
    repository.admission.stop()
    status, code, _ = await refused
    assert (status, code) == ("UNAVAILABLE", "not_ready") and model.left
