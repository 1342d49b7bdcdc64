"""Callers for the benchmarks: many on one loop, none of them slow."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import grpc.aio
import numpy as np
import uvloop
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from serving.grpc.codec import encode_request

PATH = "/v2/models/unet/infer"
Ask = Callable[[], Awaitable[str]]  # gives how it ended
CALLS_A_CHANNEL = 8


class RestCaller:
    """HTTP/1.1 on one kept connection, by hand: a client library costs as much as a server."""

    def __init__(self, port: int, body: bytes, kind: str, headers: str = "", path: str = PATH):
        self.port = port
        self.answer = b""  # the last one's body
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{headers}"
        self.request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        self.reader: asyncio.StreamReader | None = None

    async def ask(self) -> str:
        try:
            if self.reader is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.writer.write(self.request)
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            self.answer = await self.read_body(self.reader, head)
            return head[9:12].decode()
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            self.reader = None
            return type(error).__name__

    async def read_body(self, reader: asyncio.StreamReader, head: bytes) -> bytes:
        if b"\r\ntransfer-encoding: chunked" in head:  # of some peers
            content = b""
            while length := int(await reader.readline(), 16):
                content += await reader.readexactly(length)
                await reader.readline()
            await reader.readline()
            return content
        # Not Triton's inference-header-content-length, which may come first.
        length = int(head.partition(b"\r\ncontent-length: ")[2].partition(b"\r")[0])
        return await reader.readexactly(length)

    def close(self) -> None:
        if self.reader is not None:
            self.writer.close()


class GrpcCaller:
    """Faces over gRPC."""

    def __init__(self, channel: grpc.aio.Channel, request: pb.ModelInferRequest):
        self.stub, self.request = pb_grpc.GRPCInferenceServiceStub(channel), request

    async def ask(self) -> str:
        try:
            await self.stub.ModelInfer(self.request, timeout=60)
            return "200"
        except grpc.aio.AioRpcError as error:
            return error.code().name


def make_request(faces: int) -> pb.ModelInferRequest:
    """Make a request with the golden face, uint8, repeated."""
    face = np.load("predictor/golden_face.npy").repeat(faces, axis=0)
    return encode_request("unet", {"face": face})


class Tally:
    """How calls ended and how long each took."""

    def __init__(self):
        self.codes: Counter[str] = Counter()
        self.seconds: list[float] = []  # of those that were answered
        self.refused: list[float] = []

    async def time(self, ask: Ask) -> None:
        begun = time.perf_counter()
        code = await ask()
        self.codes[code] += 1
        (self.seconds if code == "200" else self.refused).append(time.perf_counter() - begun)

    def describe(self, seconds: float) -> dict:
        return {
            "seconds": round(seconds, 2),
            "codes": dict(self.codes),
            "per_second": round(len(self.seconds) / seconds, 2),
            "ms": describe_times(self.seconds),
            "refused_ms": describe_times(self.refused),
        }


def describe_times(seconds: list[float]) -> dict[str, float]:
    """Return the good tenth, the median and the tails, in milliseconds."""
    if not seconds:
        return {}
    quantiles = {"p10": 10, "p50": 50, "p90": 90, "p99": 99, "max": 100}
    return {k: round(1000 * float(np.percentile(seconds, q)), 3) for k, q in quantiles.items()}


async def ask_in_turn(callers: list, seconds: float, requests: int, warm: float) -> dict:
    """Let each caller ask again and again: for some seconds, or until so many were asked."""
    tally, left = Tally(), requests or 10**12

    async def loop(ask: Ask, until: float, into: Tally) -> None:
        nonlocal left
        while time.perf_counter() < until and left > 0:
            left -= 1
            await into.time(ask)

    if warm:
        until = time.perf_counter() + warm
        await asyncio.gather(*(loop(caller.ask, until, Tally()) for caller in callers))
    begun = time.perf_counter()
    await asyncio.gather(*(loop(caller.ask, begun + seconds, tally) for caller in callers))
    return tally.describe(time.perf_counter() - begun)


async def ask_at_rate(make: Callable[[], RestCaller], rate: float, seconds: float) -> dict:
    """Ask at a steady rate, whatever comes back: connections are used again once free."""
    tally, free = Tally(), list[RestCaller]()
    tasks: set[asyncio.Task] = set()

    async def once() -> None:
        caller = free.pop() if free else make()
        await tally.time(caller.ask)
        free.append(caller)

    begun = time.perf_counter()
    sent = 0
    while (passed := time.perf_counter() - begun) < seconds:
        while sent < passed * rate:
            sent += 1
            task = asyncio.ensure_future(once())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.005)
    if tasks:
        await asyncio.wait(tasks, timeout=60)
    return tally.describe(time.perf_counter() - begun) | {"sent": sent}


def load(port: int, faces: int = 0, body: bytes = b"", **how: Any) -> dict:
    """Let callers ask for faces over gRPC or post a JPEG, in a process of their own, to the end."""
    with ProcessPoolExecutor(1, get_context("spawn"), os.setsid) as pool:
        return pool.submit(run_callers, port, faces, body, **how).result()


def run_callers(
    port: int,
    faces: int,
    body: bytes,
    clients: int = 1,
    seconds: float = 10,
    warm: float = 1,
    requests: int = 0,
    rate: float = 0,
) -> dict:
    """Ask at a rate, or let each caller ask again as soon as it has its answer."""

    def post() -> RestCaller:
        return RestCaller(port, body, "image/jpeg")

    async def run() -> dict:
        if rate:
            return await ask_at_rate(post, rate, seconds)
        # Callers share channels, as those of one pod do.
        options = [("grpc.use_local_subchannel_pool", 1)]
        some = range(0, clients, CALLS_A_CHANNEL)
        channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) for _ in some]
        callers = [
            GrpcCaller(channels[i // CALLS_A_CHANNEL], make_request(faces)) if faces else post()
            for i in range(clients)
        ]
        return await ask_in_turn(callers, seconds, requests, warm)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())
