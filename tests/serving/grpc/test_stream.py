"""A stream of gRPC, in this process: answers in order, errors as answers, and its bounds."""

import asyncio
from collections.abc import AsyncIterator

import grpc.aio
import pytest

from serving.contract import GRPC_STREAM
from serving.errors import Overloaded, RequestTimeout
from serving.framework import pb
from serving.grpc import reception
from serving.grpc.extension_pb2 import StreamResponse
from serving.grpc.reception import Reception
from serving.repository import Repository
from serving.settings import ServerSettings
from tests.serving.grpc.test_servicer import make_request, serve
from tools.processes import find_ports

SECONDS = 1.5
SHORT = {"body_seconds": SECONDS, "answer_seconds": 1, "request_seconds": 2}


@pytest.fixture
def port() -> int:
    return find_ports().grpc


@pytest.fixture
async def stream(
    repository: Repository, port: int, request: pytest.FixtureRequest
) -> AsyncIterator[grpc.aio.StreamStreamMultiCallable]:
    settings = getattr(request, "param", SHORT)
    async with (
        serve(repository, port, max_body_bytes=2**20, **settings),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield channel.stream_stream(
            f"/{GRPC_STREAM}",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=StreamResponse.FromString,
        )


async def ask(call, request) -> tuple[str, pb.ModelInferResponse]:
    await call.write(request)
    answer = await call.read()
    return answer.error_message, pb.ModelInferResponse.FromString(answer.infer_response)


async def end(call) -> grpc.StatusCode:
    """Wait for the server to end the call; how it did."""
    async with asyncio.timeout(60):
        return await call.code()


@pytest.mark.parametrize("stream", [{}], indirect=True)  # as a service usually waits
async def test_messages_are_answered_in_order_and_a_wrong_one_ends_nothing(
    stream, repository, monkeypatch
):
    reads, read = asyncio.Semaphore(0), Reception.read

    def count(*arguments):
        reads.release()
        return read(*arguments)

    monkeypatch.setattr(Reception, "read", count)
    call = stream(timeout=60)
    request = make_request(size=3)
    request.id = "7"
    error, response = await ask(call, request)
    assert not error and response.id == "7" and response.outputs[0].name == "landmarks"
    error, response = await ask(call, make_request("refuse"))
    assert error == "It is refused." and response.model_name == "fake"
    assert response.parameters["landmarks-error-code"].string_param == "invalid_request"
    repository.admission.max_requests = 0
    error, response = await ask(call, request)
    assert "requests are in flight" in error and response.parameters["retry-after"].int64_param
    repository.admission.max_requests, repository.admission.max_bytes = 1, 50
    assert "more than 50 bytes" in (await ask(call, request))[0]
    repository.admission.max_bytes = 2**16  # room for the message, and not for 400 kB of answer
    large = make_request()
    large.outputs.add(name="big")
    assert "more than 65536 bytes" in (await ask(call, large))[0]
    error, response = await ask(call, make_request("fail"))
    assert "secret" not in error and error
    assert not (await ask(call, request))[0]
    for _ in range(8):  # until it waits for the eighth message
        await reads.acquire()
    repository.draining = True
    assert not (await ask(call, request))[0]
    assert await call.read() is grpc.aio.EOF and await call.code() == grpc.StatusCode.OK
    assert not repository.admission.requests and not repository.admission.bytes


async def test_a_stream_that_stalls_or_grows_too_large_is_ended(stream, port):
    call = stream(timeout=60)
    assert not (await ask(call, make_request()))[0]
    assert await end(call) == grpc.StatusCode.DEADLINE_EXCEEDED  # nothing was sent in time
    assert dict(await call.trailing_metadata())["landmarks-error-code"] == "request_timeout"
    long = [(f"x-{i}", "v" * 7000) for i in range(10)]
    assert await end(stream(timeout=60, metadata=long)) == grpc.StatusCode.INVALID_ARGUMENT
    assert await asyncio.to_thread(send_too_much, port) == grpc.StatusCode.RESOURCE_EXHAUSTED


def send_too_much(port: int) -> grpc.StatusCode:
    """Send a message beyond the limit; how the server ends the call.

    By the synchronous client: the other one says INTERNAL where the end meets it while it writes.
    """
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask = channel.stream_stream(f"/{GRPC_STREAM}")
        message = make_request(size=2**20 + 2**17).SerializeToString()
        with pytest.raises(grpc.RpcError) as raised:
            list(ask(iter([message]), timeout=30))
        return raised.value.code()


async def test_who_sends_and_reads_nothing_waits_and_is_ended(stream, repository):
    request = make_request()
    request.outputs.add(name="big")  # 400 kB an answer, more than an unread connection takes
    call = stream()

    async def flood() -> None:
        while True:
            await call.write(request)

    flooding = asyncio.ensure_future(flood())
    async with asyncio.timeout(60):
        while not repository.admission.requests:
            await asyncio.sleep(0.01)
        while repository.admission.requests:
            await asyncio.sleep(0.01)
        with pytest.raises(grpc.aio.AioRpcError):  # which its caller sees once it reads
            while await call.read() is not grpc.aio.EOF:
                pass
    assert not repository.admission.requests and not repository.admission.bytes
    flooding.cancel()


def make_reception(**settings) -> Reception:
    room = {"max_inflight_bytes": 2 * 2**20, "max_body_bytes": 2**20}
    return Reception(ServerSettings.model_validate(room | settings))


async def wait_long() -> bytes:
    return await asyncio.Future()


async def come() -> bytes:
    return b"it"


async def test_a_slow_message_ends_in_time_and_alone_has_all_of_it(monkeypatch):
    monkeypatch.setattr(reception, "HURRY_SECONDS", 0.05)
    alone = make_reception(body_seconds=0.3)
    with pytest.raises(RequestTimeout, match=r"within 0\.3 seconds"):
        await alone.read(wait_long)
    full = make_reception(body_seconds=600, max_inflight=3)
    slow = [asyncio.create_task(full.read(wait_long)) for _ in "ab"]
    await asyncio.sleep(0)
    async with asyncio.timeout(60):  # the older one gives its place up, the other stays
        assert await full.read(come) == b"it"
    assert isinstance(slow[0].exception(), Overloaded) and not slow[1].done()
    slow.append(asyncio.create_task(full.read(wait_long)))
    slow.append(asyncio.create_task(full.read(wait_long)))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="3 messages"):
        await full.read(come)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert await full.read(come) == b"it" and not full.calls and not full.begins
