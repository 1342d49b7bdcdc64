"""One predictor's errors, landmark sets and calls, which several requests may share."""

import asyncio

import grpc
import numpy as np
import pytest
from grpc.aio import AioRpcError, Metadata

from predictor.landmarks import DEFAULT
from serving.errors import CATALOGUE, ModelNotFound, Overloaded
from serving.grpc.errors import translate_error
from serving.messages import Call
from serving.telemetry.stages import read_timings, write_timings
from tests.transformer.conftest import INFER, OTHER, PNG, make_request
from transformer.backends.base import FaceLandmarks
from transformer.backends.joined import ID, Joiner
from transformer.backends.predictor_client import GrpcBackend, grpc_target
from transformer.backends.prewarm import find_address


def make_error(status: grpc.StatusCode, *trailing: tuple[str, str]) -> AioRpcError:
    return AioRpcError(status, Metadata(), Metadata(*trailing), details="It says so.")


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_passes_through(code):
    kind = CATALOGUE[code]
    error = make_error(kind.grpc_status, ("landmarks-error-code", code), ("retry-after", "7"))
    found = translate_error(error)
    assert type(found) is kind and found.message == "It says so." and found.retry_after == 7


TOLD = {"UNAVAILABLE": "predictor_unavailable", "INTERNAL": "predictor_unavailable"}
TOLD |= {"DEADLINE_EXCEEDED": "deadline_exceeded", "RESOURCE_EXHAUSTED": "too_large"}
TOLD |= {"INVALID_ARGUMENT": "invalid_tensor", "NOT_FOUND": "model_not_found"}


@pytest.mark.parametrize("status", TOLD)
def test_what_is_not_ours_is_told_by_its_status(status):
    assert translate_error(make_error(grpc.StatusCode[status])).code == TOLD[status]


def test_targets():
    assert grpc_target("a.b") == "dns:///a.b:80"
    assert grpc_target("a.b:8081") == "dns:///a.b:8081"
    assert grpc_target("ipv4:1.1.1.1:1,1.1.1.2:1") == "ipv4:1.1.1.1:1,1.1.1.2:1"
    for wrong in ("http://127.0.0.1:8083", "::1", "a b:1", "host:port", "h:0"):
        with pytest.raises(ValueError, match="host:port"):
            grpc_target(wrong)


def test_timings_survive_their_header():
    timings = {"queue": 0.0015, "infer": 0.25}
    assert read_timings(write_timings(timings)) == timings
    assert read_timings("nonsense;dur=x, a;dur=1.2.3") == {}


def test_the_predictor_to_wake_is_the_one_that_will_be_asked():
    assert find_address(["x", "--predictor_host=a:1"], {"LANDMARKS_PREDICTOR": "b:2"}) == "a:1"
    assert find_address(["x", "--predictor_host", "a"], {}) == "a"
    assert find_address(["x"], {"LANDMARKS_PREDICTOR": "b:2"}) == "b:2"
    assert find_address(["x", "--predictor_host"], {}) == ""


async def test_a_name_that_is_not_there_yet_is_looked_up_anew():
    """gRPC itself would wait up to two minutes before it looks again."""
    client = GrpcBackend("predictor.invalid:80")
    assert client.stub
    client.made -= 1  # not more often than once a second
    assert "cannot be reached" in await client.check_ready("unet")
    assert client.channel is None


async def test_it_is_ready_once_its_predictor_was_and_then_a_metric_tells_of_it(model, rest):
    model.backend.ready = False
    assert (await rest.get("/v2/health/ready")).status_code == 503
    told = await rest.get("/v2/models/unet/ready")
    assert told.status_code == 503 and told.json()["reason"] == "It is away."
    assert (await rest.get("/v2/health/live")).status_code == 200
    model.backend.ready = True
    assert (await rest.get("/v2/health/ready")).status_code == 200
    for there in (False, True):
        model.backend.ready = there
        assert (await rest.get("/v2/health/ready")).status_code == 200
        await model.asking
        assert f"landmarks_predictor_ready {there:.1f}" in (await rest.get("/metrics")).text


async def test_a_busy_predictor_does_not_hold_up_the_answer(model, rest):
    assert (await rest.get("/v2/health/ready")).status_code == 200
    held = asyncio.Event()
    model.backend.check_ready = lambda _: held.wait()
    for _ in range(3):  # one question at a time is in flight
        assert (await rest.get("/v2/health/ready")).status_code == 200
    held.set()
    await model.asking


async def test_the_landmark_set_is_asked_for_once(model):
    for _ in range(3):
        await model.infer(make_request(1))
    assert model.backend.asked == 1 and model.finder.cropped_for == [DEFAULT] * 3


async def test_an_answer_of_another_set_is_refused_once_and_its_set_is_learned(model, rest):
    """The predictor was replaced: who asks again is answered with the new set."""
    await model.infer(make_request(1))
    model.backend.landmarks = OTHER
    refused = await rest.post(INFER, content=b"x", headers=PNG)
    assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
    assert refused.headers["retry-after"] == "1"
    answer = await model.infer(make_request(2))
    assert answer.outputs["landmarks"].shape == (2, 15, 2) and answer.landmarks == OTHER.digest
    assert model.finder.cropped_for == [DEFAULT, DEFAULT, OTHER]
    assert (await rest.get("/v2/health/ready")).status_code == 200
    model.backend.landmarks = None  # it is gone; what it last said stays
    metadata = (await rest.get("/v2/models/unet")).json()
    assert metadata["parameters"]["landmarks"]["points"] == list(OTHER.points)


async def test_a_predictor_without_a_set_is_not_asked_to_be_guessed(model, rest):
    model.backend.landmarks = None
    assert (await rest.get("/v2/health/ready")).status_code == 503
    answer = await rest.post(INFER, content=b"x", headers=PNG)
    assert answer.status_code == 503 and "landmark set" in answer.text
    assert (await rest.get("/v2/models/unet")).json()["outputs"][0]["shape"] == [-1, -1, 2]
    model.backend.landmarks = DEFAULT
    assert (await rest.get("/v2/health/ready")).status_code == 200
    assert (await rest.post(INFER, content=b"x", headers=PNG)).status_code == 200


@pytest.mark.parametrize("faces", [1, 0])
async def test_a_model_that_is_not_there_is_told_before_a_picture_is_read(model, faces):
    request = make_request(faces)
    request.parameters = {"model": "none"}
    with pytest.raises(ModelNotFound, match="'none' here"):
        await model.infer(request)
    assert not model.finder.cropped_for


async def test_a_call_has_no_more_faces_than_the_predictor_takes(model):
    assert len((await model.infer(make_request(3))).outputs["landmarks"]) == 3  # it takes two


class Line:
    """So many pictures that wait for a worker, and a predictor that answers with what it got."""

    def __init__(self, waiting: int, seconds: float = 60):
        self.waiting, self.seconds = waiting, seconds
        self.asked: list[tuple[int, Call]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.joiner = Joiner(self.infer, self.expect)

    def expect(self, pictures: int) -> float:
        return self.seconds if 0 < pictures <= self.waiting else 0.0

    async def infer(self, faces, model, call, heatmaps) -> FaceLandmarks:
        self.asked.append((len(faces), call))
        await self.gate.wait()
        if self.error:
            raise self.error
        values = faces[:, 0, 0, :1].astype(np.float32)  # [N, 1]
        return FaceLandmarks(values[..., None], values, {"infer": 1.0}, "digest")

    def ask(self, *values: int, token: str = "", number: int = 0) -> asyncio.Task[FaceLandmarks]:
        faces = np.tile(np.array(values, np.uint8)[:, None, None, None], (1, 1, 2, 2))
        forward = {ID: f"{number:032}"} | ({"authorization": token} if token else {})
        call = Call(asyncio.get_running_loop().time() + 1000, forward)
        return asyncio.create_task(self.joiner.ask(faces, "unet", call))

    @property
    def sizes(self) -> list[int]:
        return [faces for faces, _ in self.asked]


async def test_each_request_gets_its_own_faces():
    line = Line(waiting=3)
    asked = enumerate([(1,), (2, 3), (4,), (5,) * 9])
    found = await asyncio.gather(*(line.ask(*values, number=i) for i, values in asked))
    assert [list(one.scores.ravel()) for one in found] == [[1], [2, 3], [4], [5] * 9]
    assert [list(one.landmarks.ravel()) for one in found[:2]] == [[1], [2, 3]]
    assert sorted(line.sizes) == [4, 9] and not line.joiner.groups
    assert {one.digest for one in found} == {"digest"} and found[0].timings == {"infer": 1.0}
    joined = next(call for faces, call in line.asked if faces == 4)
    assert joined.forward[ID] == ",".join(f"{i:032}" for i in range(3))


@pytest.mark.parametrize("waiting, seconds", [(0, 60), (2, 60), (9, 0.01)])
async def test_where_too_few_wait_or_have_no_faces_nobody_is_held_up_for_long(waiting, seconds):
    line = Line(waiting, seconds)
    assert (await line.ask(7)).scores == 7 and line.sizes == [1]


async def test_a_call_is_made_once_no_more_will_come():
    line = Line(waiting=3)
    first = line.ask(1)
    await asyncio.sleep(0)
    line.waiting = 1
    await asyncio.gather(first, line.ask(2))
    assert line.sizes == [2]


async def test_other_callers_rights_are_not_borrowed():
    line = Line(waiting=9, seconds=0.01)
    await asyncio.gather(*(line.ask(1, token=token) for token in ("a", "b", "", "a")))
    told = sorted((call.forward.get("authorization", ""), faces) for faces, call in line.asked)
    assert told == [("", 1), ("a", 2), ("b", 1)]


async def test_an_error_is_everyones():
    line = Line(waiting=9)
    line.error = Overloaded("The queue is full.")
    found = await asyncio.gather(*(line.ask(i) for i in range(4)), return_exceptions=True)
    assert line.sizes == [4] and all(isinstance(one, Overloaded) for one in found)


@pytest.mark.parametrize("sent", [True, False])
async def test_who_leaves_takes_nobody_along_and_the_last_one_ends_the_call(sent):
    line = Line(waiting=3)
    line.gate.clear()
    tasks = [line.ask(i) for i in range(4 if sent else 3)]
    await asyncio.sleep(0.01)
    assert line.sizes == ([4] if sent else [])
    tasks[0].cancel()
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in tasks[1:])
    for task in tasks[1:]:
        task.cancel()
    await asyncio.wait(tasks)
    await asyncio.sleep(0.01)
    assert not line.joiner.groups and len(asyncio.all_tasks()) == 1  # this test
