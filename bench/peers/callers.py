"""Callers of any server of the table, many on one loop; the answers are checked before timing."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc.aio
import numpy as np
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc
from numpy.typing import NDArray

from bench.dataplane.load import RestCaller
from bench.peers.bodies import FORMS, read_points
from bench.peers.process import Running
from bench.peers.table import Ask
from serving.grpc.codec import decode_response, encode_request

Faces = NDArray[np.uint8]
START_SECONDS = 60.0


class Grpc:
    """Faces over gRPC on a channel of its own."""

    def __init__(self, port: int, model: str, faces: Faces):
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options)
        self.stub = pb_grpc.GRPCInferenceServiceStub(self.channel)
        self.request = encode_request(model, {"face": faces})

    async def ask(self) -> str:
        try:
            self.given = await self.stub.ModelInfer(self.request, timeout=60)
            return "200"
        except grpc.aio.AioRpcError as error:
            return error.code().name

    def read(self) -> NDArray:
        return decode_response(self.given)["landmarks"]

    async def close(self) -> None:
        await self.channel.close()


class Rest(RestCaller):
    """A body in the peer's own form on one kept connection."""

    async def read_body(self, reader: asyncio.StreamReader, head: bytes) -> bytes:
        if b"\r\ntransfer-encoding: chunked" not in head:
            return await super().read_body(reader, head)
        content = b""
        while length := int(await reader.readline(), 16):
            content += await reader.readexactly(length)
            await reader.readline()
        await reader.readline()
        return content

    def read(self) -> NDArray:
        return read_points(self.answer)

    async def close(self) -> None:
        if self.reader is not None:
            self.writer.close()


Caller = Grpc | Rest


def make_caller(running: Running, ask: Ask, faces: Faces, pictures: list[bytes]) -> Caller:
    """Make a caller of a workload."""
    port = running.ports[ask.port]
    if ask.form == "grpc":
        return Grpc(port, ask.model, faces)
    content, kind, more = FORMS[ask.form](faces, pictures)
    return Rest(port, content, kind, more, ask.path)


async def wait_right(make: Callable[[], Caller], check: Callable[[NDArray], str]) -> str:
    """Ask until there is a right answer; else says what came instead."""
    until, said = time.perf_counter() + START_SECONDS, "nothing came"
    while time.perf_counter() < until:
        caller = make()
        try:
            async with asyncio.timeout(30):
                said = await caller.ask()
            if said == "200":
                return check(caller.read())
            if said[:1] in "45" and isinstance(caller, Rest):
                said += " " + caller.answer[:120].decode(errors="replace")
        except (TimeoutError, ValueError, KeyError, TypeError, IndexError) as error:
            said = f"no answer that can be read ({error!r})"
        finally:
            await caller.close()
        await asyncio.sleep(0.05)
    return said


async def gather_some(asks: list[Awaitable[str]], seconds: float) -> list[str]:
    """Wait for all answers, none longer than the seconds."""

    async def bound(ask: Awaitable[str]) -> str:
        try:
            async with asyncio.timeout(seconds):
                return await ask
        except TimeoutError:
            return "no answer"

    return await asyncio.gather(*map(bound, asks))
