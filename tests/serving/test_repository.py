"""Who may come in, who may manage models, and how they come and go while they are asked."""

import asyncio
import contextlib

import numpy as np
import pytest

from serving.admission import UPLOADS, Admission
from serving.errors import MAX_WAIT, Forbidden, InvalidRequest, ModelNotFound, Overloaded
from serving.guard import check_manager
from serving.messages import InferenceRequest, Tensor
from serving.repository import Repository
from serving.settings import ServerSettings
from tests.serving.conftest import FakeModel


async def test_admission_gives_back_what_it_took():
    admission = Admission(ServerSettings(max_inflight=1), "predictor")
    with pytest.raises(ValueError), admission.enter() as ticket:
        ticket.add(10)
        with pytest.raises(Overloaded), admission.enter():
            pass
        raise ValueError
    assert admission.requests == admission.uploads == admission.bytes == 0


def test_nobody_is_told_to_stay_away_for_long():
    assert Overloaded("", 1e6).retry_after == MAX_WAIT


async def test_uploads_take_no_place_of_those_in_flight():
    admission = Admission(ServerSettings(max_inflight=1), "predictor")
    with contextlib.ExitStack() as stack:
        for _ in range(UPLOADS):
            slow = stack.enter_context(admission.enter(upload=True))
        with pytest.raises(Overloaded, match="bodies"), admission.enter(upload=True):
            pass
        with admission.enter(), pytest.raises(Overloaded, match="1 of 1"):
            slow.end_upload()
        slow.end_upload()
        assert admission.requests == 1
    assert admission.requests == admission.uploads == admission.bytes == 0


OPEN = ServerSettings(repository_api=True)
CLOSED = ServerSettings(repository_api=True, repository_token="s3cret")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:80", "[::1]:8080", "localhost"])
def test_this_machine_may(host):
    check_manager(OPEN, "127.0.0.1", {"host": host})
    check_manager(OPEN, "::ffff:127.0.0.1", {"host": host})
    check_manager(OPEN, "[::1]", {})  # gRPC names no host
    check_manager(OPEN, "[::ffff:127.0.0.1]", {})


@pytest.mark.parametrize(
    "address, headers",
    [
        ("192.0.2.1", {}),
        ("::ffff:192.0.2.1", {}),
        ("", {}),
        ("127.0.0.1", {"host": "rebound.example:8080"}),
        ("127.0.0.1", {"host": "127.0.0.1:8080", "origin": "https://any.example"}),
        ("127.0.0.1", {"host": "127.0.0.1:8080", "origin": "null"}),
    ],
)
def test_other_machines_and_web_pages_may_not(address, headers):
    with pytest.raises(Forbidden, match="LANDMARKS_REPOSITORY_TOKEN"):
        check_manager(OPEN, address, headers)


def test_a_token_opens_it_to_whoever_has_it():
    check_manager(CLOSED, "192.0.2.1", {"authorization": "Bearer s3cret"})
    for given in ("", "Bearer ", "Bearer s3cre", "s3cret", "Bearer é"):
        with pytest.raises(Forbidden):
            check_manager(CLOSED, "127.0.0.1", {"authorization": given})


class FakeStore:
    def __init__(self):
        self.versions = {"fake": ["1"], "other": ["1", "10", "9"], "broken": ["1"]}

    def list_versions(self):
        return self.versions

    def load_model(self, name, version):
        if name == "broken":
            raise ValueError("It is broken.")
        return FakeModel(name, OPEN, version)


@pytest.fixture
def repository() -> Repository:
    return Repository([FakeModel("fake", OPEN)], OPEN, FakeStore())


def make_request(what: str = "") -> InferenceRequest:
    tensor = Tensor("face", "UINT8", np.ones((1, 2), np.uint8))
    return InferenceRequest("fake", {"face": tensor}, parameters={"do": what})


async def test_the_highest_version_is_the_one_meant(repository):
    await repository.load("other")
    assert repository.find("other").version == "10"
    assert repository.find("other", "9").version == "9"
    with pytest.raises(ModelNotFound, match="version '2'"):
        repository.find("other", "2")


async def test_the_index_tells_what_lies_there_and_why_it_is_not_served(repository):
    with pytest.raises(InvalidRequest, match="It is broken"):
        await repository.load("broken")
    states = {(s["name"], s["version"]): s for s in repository.list_states()}
    assert states["fake", "1"]["state"] == "READY"
    told = {"name": "other", "version": "9", "state": "UNAVAILABLE", "reason": "unloaded"}
    assert states["other", "9"] == told
    assert states["broken", "1"]["reason"] == "It is broken."


async def test_a_request_under_way_outlives_the_unloading(repository):
    model = repository.find("fake")
    under_way = asyncio.create_task(model.infer(make_request("wait")))
    await asyncio.sleep(0)
    unloading = asyncio.create_task(repository.unload("fake"))
    await asyncio.sleep(0.1)
    assert not model.closed
    model.gate.set()
    await unloading
    assert (await under_way).outputs["landmarks"][0, 0, 0] == 2
    assert model.closed
    with pytest.raises(ModelNotFound):
        repository.find("fake")


async def test_a_request_without_end_is_not_waited_for_without_end(repository):
    repository.settings = ServerSettings(repository_api=True, stop_seconds=1)
    hanging = asyncio.create_task(repository.find("fake").infer(make_request("wait")))
    await asyncio.sleep(0)
    async with asyncio.timeout(20):  # before the end of the request's own time
        await repository.unload("fake")
    hanging.cancel()


@pytest.mark.parametrize("error", [ValueError("Torn."), KeyError("files"), AttributeError("x")])
async def test_a_broken_reload_leaves_the_old_one_serving(repository, error):
    repository.store.versions["fake"] = ["1"]
    repository.store.load_model = lambda name, version: (_ for _ in ()).throw(error)
    with pytest.raises(InvalidRequest):
        await repository.load("fake")
    await repository.find("fake").infer(make_request())


async def test_what_is_not_there(repository):
    with pytest.raises(ModelNotFound):
        await repository.load("none")
    with pytest.raises(ModelNotFound):
        await repository.unload("none")


def test_two_models_of_one_name_are_refused():
    with pytest.raises(ValueError, match="Two models are named 'fake', version 1"):
        Repository([FakeModel(), FakeModel()], OPEN)
