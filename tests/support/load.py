"""Load on a service: callers without a pause, and what the service says of itself meanwhile."""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import grpc
import numpy as np
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from client import ServiceError, locate
from serving.grpc.codec import encode_request
from tools.processes import Service

T = TypeVar("T")


INFLIGHT = 'landmarks_inflight_requests{service="predictor"}'
FACE = np.load("predictor/golden_face.npy")


def make_request(faces: np.ndarray = FACE) -> pb.ModelInferRequest:
    return encode_request("unet", {"face": faces})


CROWD = make_request(np.repeat(FACE, 64, axis=0))


def read_metric(service: Service, name: str) -> float:
    text = requests.get(f"{service.url}/metrics", timeout=60).text
    return float(text.partition(f"\n{name} ")[2].split()[0])


def sum_metric(service: Service, pattern: str) -> float:
    """Add up what a metric has under the labels that a pattern begins with; 0 where it has none."""
    text = requests.get(f"{service.url}/metrics", timeout=60).text
    return sum(map(float, re.findall(pattern + r"\S* ([\d.]+)", text)))


def count_answered(service: Service) -> float:
    return sum_metric(service, r'landmarks_requests_total\{code="ok"')


def wait_for(look: Callable[[], T], seconds: float = 90) -> T:
    """Look again and again until there is something, for longer than a slow machine needs."""
    latest = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < latest, "it did not come"
        time.sleep(0.05)
    return found


def wait_begun(service: Service, inflight: str, calls: Sequence[Any]) -> None:
    """Wait until all these calls are in flight, or over."""
    wait_for(lambda: read_metric(service, inflight) + count_done(calls) >= len(calls))


def count_done(calls: Sequence[Any]) -> int:
    return sum(call.done() for call in calls)


def wait_live(service: Service) -> None:
    """Wait until it answers at all, ready or not."""

    def look() -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{service.url}/v2/health/live", timeout=10).ok
        assert service.process.poll() is None, service.tail_log()
        return False

    wait_for(look, 90)


class Load:
    """Callers that ask the transformer without a pause and keep what comes back.

    Some send a picture, some 64 faces: of theirs there is always one at each predictor.
    """

    def __init__(self, transformer: Service, picture: bytes, callers: int = 4, crowds: int = 0):
        self.transformer, self.picture = transformer, picture
        self.stopped = threading.Event()
        self.answers: list[tuple[float, str, float]] = []  # when, how it ended, seconds
        self.messages: set[str] = set()  # of the failures
        kinds = [self.send_picture] * callers + [self.send_faces] * crowds
        self.threads = [threading.Thread(target=self.ask, args=(kind,)) for kind in kinds]

    def ask(self, send: Callable[[], None]) -> None:
        while not self.stopped.is_set():
            begun, code = time.monotonic(), "ok"
            try:
                send()
            except ServiceError as error:
                code = error.code
                self.messages.add(str(error))
            except grpc.RpcError as error:
                code = dict(error.trailing_metadata())["landmarks-error-code"]
                self.messages.add(error.details())
            self.answers.append((begun, code, time.monotonic() - begun))

    def send_picture(self) -> None:
        locate(self.picture, self.transformer.url)

    def send_faces(self) -> None:
        with grpc.insecure_channel(f"127.0.0.1:{self.transformer.grpc}") as channel:
            pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(CROWD, timeout=60)

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def since(self, moment: float) -> list[tuple[float, str, float]]:
        return [answer for answer in self.answers if answer[0] >= moment]
