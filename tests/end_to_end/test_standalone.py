"""Both services in one process, and a call to the predictor in it."""

import asyncio
import json
import re
import signal
import time

import grpc
import numpy as np
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc
from prometheus_client import REGISTRY

from predictor.landmarks import DEFAULT
from serving import contract
from serving.errors import DeadlineExceeded, Overloaded
from serving.messages import Call, InferenceRequest, InferenceResponse
from serving.model import Model
from serving.repository import Repository
from serving.settings import ServerSettings
from standalone import LocalBackend, StandaloneSettings
from tests.end_to_end import test_bad_input as bad
from tests.support.ask import JPEG, ask_grpc, ask_jpeg, ask_rest, infer_url
from tests.support.http_server import run_collector
from tests.support.load import (
    CROWD,
    FACE,
    INFLIGHT,
    read_metric,
    wait_begun,
)
from tools.processes import Service
from transformer.settings import TransformerSettings


def post(service: Service, body: bytes, query: str = "", **headers: str) -> requests.Response:
    return requests.post(infer_url(service) + query, data=body, headers=JPEG | headers, timeout=30)


def test_it_answers_as_the_two_services_do(standalone, transformer, astronaut):
    found, wanted = ask_jpeg(standalone, astronaut), ask_jpeg(transformer, astronaut)
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, atol=1e-3, err_msg=name)
    ours, theirs = (post(service, astronaut).headers for service in (standalone, transformer))
    assert ours["landmarks-set"] == theirs["landmarks-set"]
    stages = [re.findall(r"(\w+);dur=", told["server-timing"]) for told in (ours, theirs)]
    assert stages[0] == stages[1]
    for path in ("/v2/models/unet", "/v2/models/unet/config", "/v2", "/v2/health/ready"):
        mine, wanted_there = (
            requests.get(s.url + path, timeout=5) for s in (standalone, transformer)
        )
        assert mine.ok and mine.json() == wanted_there.json(), path


def test_faces_are_answered_in_pixels_of_the_face_in_parts(standalone, transformer):
    """More than a call takes; and what the predictor answers behind the transformer."""
    faces = np.concatenate([np.roll(FACE, shift % 96, axis=3) for shift in range(300)])
    wanted, few = (
        ask_rest(s, {"face": faces[:48]})["landmarks"] for s in (transformer, standalone)
    )
    many = ask_grpc(standalone, {"face": faces})["landmarks"]
    assert few.shape == (48, 15, 2) and many.shape == (300, 15, 2)
    for answer in (few, many[:48]):
        np.testing.assert_allclose(answer, wanted, atol=0.01)


def test_errors_are_those_of_the_two_services(standalone):
    """One of a picture, of a body, of what only the predictor refuses, and of a gRPC call."""
    bad.test_bad_pictures(standalone, next(iter(bad.PICTURES)))
    for body, status, code in (next(iter(bad.BODIES.values())), bad.FACES["dtype"]):
        content = body if isinstance(body, bytes) else json.dumps(body)
        told = requests.post(infer_url(standalone), data=content, timeout=30)
        bad.check_error(told, status, code)
    bad.test_bad_grpc_requests(standalone, next(iter(bad.GRPC)))


def test_other_models_are_reached_and_come_and_go(standalone, astronaut):
    def ask(model: str) -> np.ndarray:
        return ask_jpeg(standalone, astronaut, f"?model={model}")["landmarks"]

    student = ask("student_unet")
    assert not np.allclose(student, ask("unet"))
    bad.check_error(post(standalone, astronaut, "?model=none"), 404, "model_not_found")
    counted = 'landmarks_requests_total{code="ok",model="student_unet",service="predictor"}'
    assert read_metric(standalone, counted) >= 1
    repository = f"{standalone.url}/v2/repository"
    index = requests.post(f"{repository}/index", timeout=5).json()
    assert {state["name"] for state in index} == {"unet", "student_unet"}
    assert requests.post(f"{repository}/models/student_unet/unload", timeout=30).ok
    bad.check_error(post(standalone, astronaut, "?model=student_unet"), 404, "model_not_found")
    assert requests.post(f"{repository}/models/student_unet/load", timeout=60).ok
    assert requests.post(f"{repository}/models/unet/unload", timeout=30).ok
    assert requests.get(f"{standalone.url}/v2/health/ready", timeout=5).status_code == 503
    np.testing.assert_allclose(ask("student_unet"), student, atol=1e-3)
    assert requests.post(f"{repository}/models/unet/load", timeout=60).ok
    assert requests.get(f"{standalone.url}/v2/health/ready", timeout=5).status_code == 200
    assert "Traceback" not in standalone.log.read_text()  # of all tests so far


def test_a_trace_is_one_request_with_all_its_stages(start_own, astronaut):
    with run_collector() as collector:
        settings = {"otel_exporter_otlp_endpoint": collector.url, "otel_bsp_schedule_delay": "50"}
        service, trace = start_own("standalone", **settings), f"{7:032x}"
        parent = f"00-{trace}-b7ad6b7169203331-01"
        assert post(service, astronaut, traceparent=parent).status_code == 200
        spans = collector.wait(trace, lambda spans: any(span.kind == "SERVER" for span in spans))
        service.stop()
    (root,) = (span for span in spans if span.kind == "SERVER")
    stages = [span for span in spans if span is not root]
    assert {span.parent for span in stages} == {root.id}
    names = ["wait", "decode", "detect", "crop", "resize", "queue", "infer"]
    assert [span.name for span in stages] == names and root.attributes["landmarks.faces"] == 1


def test_calls_under_way_are_answered_when_it_stops(start_own):
    service = start_own("standalone")
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc}") as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        calls = [stub.ModelInfer.future(CROWD, timeout=60) for _ in range(4)]
        wait_begun(service, INFLIGHT.replace("predictor", "transformer"), calls)
        service.process.send_signal(signal.SIGINT)
        assert [call.code().name for call in calls] == ["OK"] * 4
    assert service.process.wait(120) == 0 and '"stopped"' in service.log.read_text()


def test_each_limit_has_a_name_of_its_own(monkeypatch):
    monkeypatch.setenv("LANDMARKS_MAX_FACES", "3")
    both = StandaloneSettings()
    assert (both.max_faces, both.max_picture_faces) == (3, 1024)
    assert TransformerSettings().max_picture_faces == 3  # the older name, where it is the only one
    monkeypatch.setenv("LANDMARKS_MAX_PICTURE_FACES", "5")
    assert StandaloneSettings().max_picture_faces == TransformerSettings().max_picture_faces == 5


FACES = np.zeros((3, 1, 96, 96), np.uint8)


class FakeModel(Model):
    service, inputs, outputs = "predictor", (contract.FACE,), (contract.LANDMARKS, contract.SCORES)
    landmarks = DEFAULT

    def __init__(self, settings: ServerSettings):
        super().__init__("local", settings)
        self.gate = asyncio.Event()
        self.gate.set()
        self.ready = True

    async def predict(self, request: InferenceRequest, call: Call) -> InferenceResponse:
        await self.gate.wait()
        n = len(request.inputs["face"].array)
        points = np.zeros((n, len(DEFAULT), 2), np.float32)
        arrays = {"landmarks": points, "scores": points[..., 0]}
        return InferenceResponse(arrays, {"infer": 0.5}, n, DEFAULT.digest)


@pytest.fixture
async def model() -> FakeModel:
    return FakeModel(ServerSettings(max_inflight=1))


@pytest.fixture
def local(model) -> LocalBackend:
    return LocalBackend(Repository([model], model.settings))


def count_ended(code: str, model: str = "local") -> float:
    labels = {"service": "predictor", "model": model, "code": code}
    return REGISTRY.get_sample_value("landmarks_requests_total", labels) or 0.0


def soon(seconds: float = 10.0) -> float:
    return time.monotonic() + seconds


async def test_the_deadline_is_the_callers(local, model):
    model.gate.clear()
    before = count_ended("deadline_exceeded")
    with pytest.raises(DeadlineExceeded):
        await asyncio.wait_for(local.predict(FACES, "local", Call(soon(0.05))), 5)
    assert count_ended("deadline_exceeded") == before + 1


async def test_who_leaves_gives_up_the_place_that_others_are_refused(local, model):
    model.gate.clear()
    before = count_ended("cancelled")
    first = asyncio.ensure_future(local.predict(FACES, "local", Call(soon())))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await local.predict(FACES, "local", Call(soon()))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert count_ended("cancelled") == before + 1 and model.inflight == 0
    model.gate.set()
    await local.predict(FACES, "local", Call(soon()))
