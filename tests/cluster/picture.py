"""One picture, asked about over every protocol; its points must be where they look to be."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc

from serving.grpc.codec import decode_response, encode_request
from tests.cluster.journal import INGRESS, PICTURE, ScenarioResult
from tools.v2_json import image_tensor

BY_EYE = {  # index of the point -> where it is on the 512x512 picture, set by eye
    0: (246, 103.5),  # left eye
    1: (203, 100.5),  # right eye
    10: (223.5, 127),  # nose tip
    11: (244, 141),  # left corner of the mouth
    12: (202.5, 140),  # right corner of the mouth
}
PIXELS = 4.0
INFER = "v2/models/unet/infer"


@dataclass(slots=True)
class Answer:
    points: list[tuple[float, float]]
    seconds: float = 0.0
    problem: str = ""
    retry_after: str = ""

    @property
    def right(self) -> bool:
        """15 points of one face, the five known ones where they look to be."""
        return len(self.points) == 15 and self.distance < PIXELS

    @property
    def distance(self) -> float:
        return max(math.dist(self.points[i], known) for i, known in BY_EYE.items())

    def __str__(self) -> str:
        return self.problem or f"{len(self.points)} points, {self.distance:.1f} px by eye"


def ask_jpeg(host: str, timeout: float = 60, model: str = "") -> Answer:
    """Send the picture; `model` asks for another than the default one."""
    return post(host, PICTURE.read_bytes(), "image/jpeg", timeout, model)


def ask_json(host: str, path: str = INFER) -> Answer:
    """Ask by V2's JSON; an InferenceGraph has one address, its root."""
    body = {"inputs": [image_tensor(PICTURE.read_bytes())]}
    return post(host, json.dumps(body).encode(), "application/json", path=path)


def post(
    host: str, body: bytes, content_type: str, timeout: float = 60, model="", path: str = INFER
) -> Answer:
    headers = {"Host": host, "Content-Type": content_type}
    url = f"http://{INGRESS}/{path}"
    try:
        query = {"model": model} if model else {}
        answer = requests.post(url, params=query, data=body, headers=headers, timeout=timeout)
    except requests.RequestException as error:
        return Answer([], problem=repr(error))
    seconds = answer.elapsed.total_seconds()
    if not answer.ok:
        problem = f"HTTP {answer.status_code}: {answer.text[:200]}"
        return Answer([], seconds, problem, answer.headers.get("Retry-After", ""))
    outputs = {output["name"]: output["data"] for output in answer.json()["outputs"]}
    return Answer(pair(outputs["landmarks"]), seconds)


def read_metadata(host: str) -> list[str]:
    url = f"http://{INGRESS}/v2/models/unet"
    answer = requests.get(url, headers={"Host": host}, timeout=20)
    return sorted(output["name"] for output in answer.json().get("outputs", []))


def ask_grpc(host: str, timeout: float = 60, address: str = INGRESS) -> Answer:
    request = encode_request("unet", {"image": [PICTURE.read_bytes()]})
    with grpc.insecure_channel(address, [("grpc.default_authority", host)]) as channel:
        try:
            answer = pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=timeout)
        except grpc.RpcError as error:
            return Answer([], problem=f"{error.code().name}: {error.details()}")
    return Answer(pair(decode_response(answer)["landmarks"].ravel().tolist()))


def pair(values: list[float]) -> list[tuple[float, float]]:
    return list(zip(values[0::2], values[1::2], strict=True))


def wait_answer(host: str, ask: Callable[[str], Answer] = ask_jpeg, seconds: float = 60) -> Answer:
    """The gateway learns of a new host a moment after Ready: ask until it knows it."""
    latest = time.monotonic() + seconds
    while True:
        answer = ask(host)
        if not answer.problem or time.monotonic() > latest:
            return answer
        time.sleep(0.2)


def check_points(
    record: ScenarioResult,
    host: str,
    text: str = "right points",
    ask: Callable[[str], Answer] = ask_jpeg,
    seconds: float = 60,
) -> Answer:
    """Note whether the picture's points are where they look to be, once the host is known."""
    answer = wait_answer(host, ask, seconds)
    record.check(text, answer.right, answer)
    return answer
